"""Do attempts; see :mod:`escapes.house`."""

from .house import main

raise SystemExit(main())
