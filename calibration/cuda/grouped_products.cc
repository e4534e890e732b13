// Products of groups by our own kernel: its tensor maps and its place among the implementations.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "base/check.h"
#include "calibration/cuda/grouped_kernel.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/products.h"
#include "calibration/cuda/tensor_map.h"

namespace planewise::calibration {
namespace {

class GroupedProducts : public Products {
 public:
  GroupedProducts(const ProductOptions& options, int blocks) : options_(options), blocks_(blocks) {}

  void launch(const RowScaled& x, const BlockScaled& w, std::uint16_t* y, const GroupRows& rows,
              cudaStream_t stream) override {
    const spec::GemmShape& s = options_.shape;
    GroupedArguments arguments{.x = map_of(x.values, rows.rows_all, s.k),
                               .w = map_of(w.values, s.groups * s.n, s.k),
                               .x_scales = x.scales,
                               .w_scales = w.scales,
                               .y = y,
                               .leading = x.leading,
                               .n = static_cast<int>(s.n),
                               .k = static_cast<int>(s.k),
                               .rows = rows_of(rows)};
    launch_grouped_kernel(arguments, blocks_, stream);
  }

  std::string implementation() const override { return "pw_grouped_wgmma"; }
  int kernels() const override { return 1; }

 private:
  GroupedRows rows_of(const GroupRows& rows) const {
    GroupedRows made{.groups = static_cast<int>(options_.shape.groups)};
    if (options_.layout == RowLayout::masked) {
      PW_CHECK(rows.count_on_gpu != nullptr);
      made.count_on_gpu = rows.count_on_gpu;
      made.room = static_cast<int>(rows.room);
      return made;
    }
    for (std::size_t g = 0; g < rows.first.size(); ++g) {
      made.first[g] = static_cast<int>(rows.first[g]);
      made.count[g] = static_cast<int>(rows.count[g]);
    }
    return made;
  }

  /// Made once for every matrix.
  const CUtensorMap& map_of(const std::uint8_t* matrix, std::int64_t rows, std::int64_t columns) {
    const auto [found, is_new] = maps_.try_emplace({matrix, rows});
    if (is_new) found->second = make_tensor_map(matrix, rows, columns);
    return found->second;
  }

  ProductOptions options_;
  int blocks_ = 0;
  std::map<std::pair<const std::uint8_t*, std::int64_t>, CUtensorMap> maps_;
};

}  // namespace

std::variant<std::unique_ptr<Products>, NotMeasured> make_grouped_products(
    const ProductOptions& options) {
  const spec::GemmShape& s = options.shape;
  if (device_attribute(cudaDevAttrComputeCapabilityMajor) != 9) {
    return NotMeasured{"pw_grouped_wgmma is for Hopper (sm_90a)"};
  }
  if (s.groups > kGroupedGroupsMost) {
    return NotMeasured{fmt::format("pw_grouped_wgmma takes up to {} groups, not {}",
                                   kGroupedGroupsMost, s.groups)};
  }
  if (s.k % kGroupedDepth != 0 || s.n % 8 != 0 || (s.groups > 1 && s.n % kGroupedTile != 0)) {
    return NotMeasured{
        fmt::format("pw_grouped_wgmma takes multiples of 128, not n {} and k {}", s.n, s.k)};
  }
  prepare_grouped_kernel();
  const int sms = device_attribute(cudaDevAttrMultiProcessorCount);
  return std::make_unique<GroupedProducts>(options, options.sms > 0 ? options.sms : sms);
}

}  // namespace planewise::calibration
