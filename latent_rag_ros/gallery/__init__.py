"""Who was seen before: identity features and the identities they belong to."""
