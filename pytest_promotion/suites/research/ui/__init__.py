"""Pages for people, drawn by Streamlit: they show what the rooms say and ask them to act, and decide nothing."""
