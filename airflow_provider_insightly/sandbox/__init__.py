"""A local Insightly: a server over the catalogue that answers as the live API does and fails as networks do."""
