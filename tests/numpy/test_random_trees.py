"""A minute of random_trees.py, which see."""

import sys

from random_trees import main

sys.exit(main())
