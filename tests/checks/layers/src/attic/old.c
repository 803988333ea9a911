int old; /* expect: attic/ */
