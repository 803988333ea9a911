/*
 * checks: the order in which a deployment is looked at. Each opens nothing and closes nothing of
 * the evidence: verification.c begins and ends the check around it. Private to verify/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_CHECKS_H
#define NETRA_VERIFY_CHECKS_H

#include "verify/inquiry.h"

void check_basic(struct inquiry *inquiry);
void check_endpoints(struct inquiry *inquiry);
void check_message_flow(struct inquiry *inquiry);
void check_features(struct inquiry *inquiry);
void check_performance(struct inquiry *inquiry);
void check_error_handling(struct inquiry *inquiry);
void check_authentication(struct inquiry *inquiry);
void check_isolation(struct inquiry *inquiry);
void check_acceptance(struct inquiry *inquiry);

/* Of features: what happens while a run works (check_features_live.c). */
void features_real_time(struct inquiry *inquiry);
void features_cancel(struct inquiry *inquiry);
void features_recovery(struct inquiry *inquiry);

#endif
