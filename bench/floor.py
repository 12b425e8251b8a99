"""The bare framework on a port, as ``authgate bench`` measures it too: ``floor.py PORT``."""

import sys

from authgate.bench.floor import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]))
