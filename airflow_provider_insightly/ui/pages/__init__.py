"""The pages, a module each: an address, what it reads from the store, the template it fills."""
