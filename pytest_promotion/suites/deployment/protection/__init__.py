"""Branch protection: is what a policy demands of a branch enforced, and does a commit have it?"""
