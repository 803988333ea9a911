#include "ask/ask.h"
#include <pthread.h>
#include <unistd.h>
