// rejected: no match for .*operator<|invalid operands to binary expression
#include "base/units.h"

const bool kCheaper = planewise::usd(1) < planewise::watts(1);
