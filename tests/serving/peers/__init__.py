"""One module a wire protocol: its adapter, and what a faithful server of that protocol answers."""
