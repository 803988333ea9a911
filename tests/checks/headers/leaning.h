int leaning(uint64_t value);
