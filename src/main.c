/*
 * netra: the one program. Everything it does is a command of cli/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/command.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
