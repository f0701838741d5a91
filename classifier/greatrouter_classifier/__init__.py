"""Says what a prompt asks for: its task, how the content is made, how hard it is, and how sure we are."""
