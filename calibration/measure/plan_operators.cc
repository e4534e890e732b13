#include "calibration/measure/plan_operators.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "workload/operators.h"
#include "workload/product_operator.h"

namespace planewise::calibration {
namespace {

constexpr double kBf16 = 2;
constexpr double kScaledFp8 = 1 + 4.0 / 128;  // a value and its share of an FP32 scale
constexpr std::int64_t kScaleWidth = 128;

struct NamedBlock {
  workload::Block block{};
  bool is_weight = false;
};

/// Every block of a rank's layers, of the model's edges too.
std::vector<NamedBlock> blocks_of(const spec::ModelSpec& model, const RankSizes& rank,
                                  spec::Precision precision) {
  const workload::OperatorInput in{.model = model,
                                   .tokens = rank.tokens,
                                   .sequence_length = rank.sequence,
                                   .expert_ranks = rank.expert_ranks,
                                   .precision = precision};
  std::vector<workload::Passes> all = {workload::attention_in(in), workload::attention_core(in),
                                       workload::attention_out(in), workload::router(in),
                                       workload::experts(in)};
  if (model.moe->first_dense_layers > 0) {
    all.push_back(workload::dense_in(in));
    all.push_back(workload::dense_out(in));
  }
  if (model.mtp_depth > 0) all.push_back(workload::mtp_input(in));
  all.push_back(workload::embedding(in));
  all.push_back(workload::head(in));
  std::vector<NamedBlock> blocks;
  for (workload::Passes& passes : all) {
    blocks.push_back({std::move(passes.forward)});
    if (!rank.has_backward) continue;
    blocks.push_back({std::move(passes.backward)});
    blocks.push_back({std::move(passes.weight), true});
  }
  if (rank.has_backward) blocks.push_back({workload::gradient_quantise(in)});
  return blocks;
}

std::int64_t up_to_scales(std::int64_t count) {
  return (count + kScaleWidth - 1) / kScaleWidth * kScaleWidth;
}

/// src/workload writes dW as a product of outputs x inputs over rows; FP8 kernels take the rows as
/// what they are.
Measurement product_of(const workload::Operator& op, bool is_weight, spec::Precision precision) {
  Measurement m{.id = op.id, .precision = precision, .shape = op.shape};
  if (precision == spec::Precision::bf16) {
    set_product_work(m);
    return m;
  }
  if (is_weight) {
    m.kernel = Kernel::weight_gradient;
    m.shape = {.groups = op.shape.groups, .m = op.shape.k, .n = op.shape.m, .k = op.shape.n};
  } else {
    m.shape.k = up_to_scales(m.shape.k);
  }
  set_product_work(m);
  return m;
}

/// BF16 products of a step in FP8 (router, head) are BF16 ones.
spec::Precision precision_of(const workload::Operator& op, spec::Precision step) {
  return op.id.ends_with(".bf16") ? spec::Precision::bf16 : step;
}

}  // namespace

Bytes bytes_each(Kernel kernel, const LayerSizes& sizes) {
  switch (kernel) {
    case Kernel::router:
      return bytes(4);
    case Kernel::quantise:
      return bytes(kBf16 + kScaledFp8);
    case Kernel::quantise_backward:
      return bytes(2 * (kBf16 + kScaledFp8));
    case Kernel::requantise_transposed:
      return bytes(2 * kScaledFp8);
    case Kernel::permute:
      return bytes(2.0 * sizes.experts_per_token * (kScaledFp8 + kBf16));
    case Kernel::swiglu:
    case Kernel::elementwise:
      return bytes(3 * kBf16);
    case Kernel::swiglu_backward:
      return bytes(8 * kBf16);
    case Kernel::swiglu_quantise:
      return bytes(2 * kBf16 + kScaledFp8);
    case Kernel::gelu:
    case Kernel::norm:
    case Kernel::rope:
    case Kernel::copy:
    case Kernel::embedding:
    case Kernel::cross_entropy:
      return bytes(2 * kBf16);
    case Kernel::optimizer: {
      const spec::OptimizerSpec o;
      return bytes(o.gradient_bytes + 2.0 * o.master_bytes + 4.0 * o.moment_bytes +
                   o.parameter_bytes);
    }
    default:
      PW_UNREACHABLE("not a memory-bound kernel");
  }
}

void set_product_work(Measurement& m) {
  const spec::GemmShape& s = m.shape;
  const workload::Operator op = workload::product_operator(
      {.precision = m.precision, .groups = s.groups, .m = s.m, .n = s.n, .k = s.k});
  m.work = op.work;
  m.traffic = op.traffic;
  if (m.kernel != Kernel::weight_gradient) return;
  // Both factors are rows with their scales; src/workload counts the result in BF16.
  const double g = static_cast<double>(s.groups);
  m.traffic = bytes(g * (kScaledFp8 * static_cast<double>(s.m * (s.n + s.k)) +
                         kBf16 * static_cast<double>(s.n * s.k)));
}

std::vector<Measurement> products_of(const spec::ModelSpec& model, const RankSizes& rank,
                                     spec::Precision precision) {
  std::vector<Measurement> products;
  std::set<std::string> keys;
  for (const NamedBlock& named : blocks_of(model, rank, precision)) {
    for (const workload::Operator& op : named.block.operators) {
      if (op.shape.m == 0) continue;
      Measurement m = product_of(op, named.is_weight, precision_of(op, precision));
      if (keys.insert(key_of(m)).second) products.push_back(std::move(m));
    }
  }
  std::stable_sort(products.begin(), products.end(),
                   [](const Measurement& a, const Measurement& b) {
                     return a.id.starts_with("grouped") < b.id.starts_with("grouped");
                   });
  return products;
}

Measurement with_rows(Measurement product, std::int64_t m) {
  product.shape.m = m;
  set_product_work(product);
  return product;
}

Measurement with_groups(Measurement product, std::int64_t groups) {
  product.shape.groups = groups;
  set_product_work(product);
  return product;
}

std::map<std::string, Bytes> largest_traffic(const spec::ModelSpec& model, const RankSizes& rank) {
  std::map<std::string, Bytes> largest;
  for (const NamedBlock& named : blocks_of(model, rank, spec::Precision::fp8_blockwise)) {
    for (const workload::Operator& op : named.block.operators) {
      if (op.shape.m > 0 || op.sequence > 0) continue;
      Bytes& most = largest[op.id];
      most = std::max(most, op.traffic);
    }
  }
  return largest;
}

}  // namespace planewise::calibration
