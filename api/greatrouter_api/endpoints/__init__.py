"""The endpoints that ordinary FastAPI answers, one module a group; the hot ones are behind `front.py`."""
