// rejected: is private within this context|calling a private constructor
#include "base/units.h"

const planewise::Seconds kTime{0.5};
