"""What is served: loading, caching and hot-swapping the champion."""
