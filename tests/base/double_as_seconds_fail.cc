// rejected: could not convert .*from .double. to|no matching function for call to 'wait'
#include "base/units.h"

void wait(planewise::Seconds time);
void wait_a_bit() { wait(0.5); }
