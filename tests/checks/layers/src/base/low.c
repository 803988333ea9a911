/* A comment may say printf(), and name #include "tool/tool.h". */
#include "base/low.h"
#include "engine/high.h" /* expect: below */
#include "low.h"         /* expect: named */
