// rejected: no match for .*operator\+|invalid operands to binary expression
#include "base/units.h"

const auto kSum = planewise::bytes(1) + 1.0;
