// Stands for the grouped kernel until it is there.
#include "calibration/cuda/products.h"

namespace planewise::calibration {

std::variant<std::unique_ptr<Products>, NotMeasured> make_grouped_products(const ProductOptions&) {
  return NotMeasured{"no grouped kernel yet"};
}

}  // namespace planewise::calibration
