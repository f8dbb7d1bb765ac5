"""Who a person is to a machine: the re-ID embedder and its features."""
