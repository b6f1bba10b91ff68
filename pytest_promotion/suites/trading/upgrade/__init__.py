"""The upgrade preflight: could the services of a compose file run another image?"""
