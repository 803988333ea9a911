#include "cli/cli.h"
#include "tool/tool.h" /* expect: main.c */
