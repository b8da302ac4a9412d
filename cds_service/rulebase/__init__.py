"""The rule base: content files read into frozen values, or all that is wrong with them."""
