"""What bench/diffusion.py and bench/restore.py measure, one kind of side a file."""
