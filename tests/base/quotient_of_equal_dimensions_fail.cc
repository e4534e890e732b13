// rejected: no match for .*operator/|invalid operands to binary expression
#include "base/units.h"

const auto kShare = planewise::bytes(1) / planewise::bytes(2);
