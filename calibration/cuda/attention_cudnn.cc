// Attention by cuDNN through its frontend (header-only; 1.x). A graph with the diagonal band of
// causal attention; cuDNN 9.19 needs the composite graph that the frontend builds.
#include "calibration/cuda/attention.h"

#ifndef PLANEWISE_HAS_CUDNN_FRONTEND

namespace planewise::calibration {

std::variant<std::unique_ptr<Attention>, NotMeasured> make_cudnn_attention(
    const AttentionOptions&) {
  return NotMeasured{"planewise-calibrate was built without cudnn_frontend.h"};
}

}  // namespace planewise::calibration

#else

#include <cudnn_frontend.h>
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <stdexcept>
#include <unordered_map>

#include "base/check.h"

namespace planewise::calibration {
namespace {

namespace fe = cudnn_frontend;
using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;
using Pack = std::unordered_map<fe::graph::Tensor_attributes::uid_t, void*>;

/// Names of tensors in a graph.
enum Uid : std::int64_t { kQ = 1, kK, kV, kO, kLogSums, kDO, kDQ, kDK, kDV };

void check_cudnn(cudnnStatus_t status, const char* call, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  int device = -1;
  cudaGetDevice(&device);
  throw std::runtime_error(fmt::format("cuDNN: {} in {} on device {}, {}:{}",
                                       cudnnGetErrorString(status), call, device, __FILE__, line));
}

class Cudnn {
 public:
  Cudnn() { check_cudnn(cudnnCreate(&handle_), "cudnnCreate", __LINE__); }
  ~Cudnn() { cudnnDestroy(handle_); }
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;
  cudnnHandle_t get() const { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
};

/// [batch, heads, sequence, width] as it lies in memory: token, head, width.
fe::graph::Tensor_attributes token_major(const AttentionOptions& options, std::int64_t width,
                                         Uid uid) {
  const std::int64_t heads = options.heads;
  return fe::graph::Tensor_attributes()
      .set_uid(uid)
      .set_dim({options.batch, heads, options.sequence, width})
      .set_stride({options.sequence * heads * width, width, heads * width, 1});
}

void write_to(const Tensor& tensor, const AttentionOptions& options, std::int64_t width, Uid uid) {
  const auto like = token_major(options, width, uid);
  tensor->set_output(true).set_uid(uid).set_dim(like.get_dim()).set_stride(like.get_stride());
}

std::vector<std::int64_t> log_sum_shape(const AttentionOptions& options) {
  return {options.batch, options.heads, options.sequence, 1};
}

std::vector<std::int64_t> log_sum_strides(const AttentionOptions& options) {
  return {options.heads * options.sequence, options.sequence, 1, 1};
}

float scale_of(const AttentionOptions& options) {
  return static_cast<float>(1 / std::sqrt(options.qk_dim));
}

void set_types(fe::graph::Graph& graph) {
  graph.set_io_data_type(fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
}

void describe_forward(fe::graph::Graph& graph, const AttentionOptions& options) {
  set_types(graph);
  const Tensor q = graph.tensor(token_major(options, options.qk_dim, kQ));
  const Tensor k = graph.tensor(token_major(options, options.qk_dim, kK));
  const Tensor v = graph.tensor(token_major(options, options.v_dim, kV));
  auto attributes = fe::graph::SDPA_attributes();
  attributes.set_name("forward")
      .set_generate_stats(true)
      .set_attn_scale(scale_of(options))
      .set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT)
      .set_diagonal_band_right_bound(0);
  auto [o, log_sums] = graph.sdpa(q, k, v, attributes);
  write_to(o, options, options.v_dim, kO);
  log_sums->set_output(true)
      .set_uid(kLogSums)
      .set_data_type(fe::DataType_t::FLOAT)
      .set_dim(log_sum_shape(options))
      .set_stride(log_sum_strides(options));
}

void describe_backward(fe::graph::Graph& graph, const AttentionOptions& options) {
  set_types(graph);
  const Tensor q = graph.tensor(token_major(options, options.qk_dim, kQ));
  const Tensor k = graph.tensor(token_major(options, options.qk_dim, kK));
  const Tensor v = graph.tensor(token_major(options, options.v_dim, kV));
  const Tensor o = graph.tensor(token_major(options, options.v_dim, kO));
  const Tensor d_o = graph.tensor(token_major(options, options.v_dim, kDO));
  const Tensor log_sums = graph.tensor(fe::graph::Tensor_attributes()
                                           .set_uid(kLogSums)
                                           .set_data_type(fe::DataType_t::FLOAT)
                                           .set_dim(log_sum_shape(options))
                                           .set_stride(log_sum_strides(options)));
  auto attributes = fe::graph::SDPA_backward_attributes();
  attributes.set_name("backward")
      .set_attn_scale(scale_of(options))
      .set_deterministic_algorithm(true)
      .set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT)
      .set_diagonal_band_right_bound(0);
  auto [d_q, d_k, d_v] = graph.sdpa_backward(q, k, v, o, d_o, log_sums, attributes);
  write_to(d_q, options, options.qk_dim, kDQ);
  write_to(d_k, options, options.qk_dim, kDK);
  write_to(d_v, options, options.v_dim, kDV);
}

/// A graph that has been built, with its workspace.
struct Plan {
  fe::graph::Graph graph{};
  Buffer workspace{};
};

std::optional<NotMeasured> build(const Cudnn& cudnn, Plan& plan, const char* what) {
  const auto refused = [&](const std::string& reason) {
    return NotMeasured{
        fmt::format("cuDNN {} has no attention {} here: {}", cudnnGetVersion(), what, reason)};
  };
  if (auto error = plan.graph.validate(); error.is_bad()) return refused(error.get_message());
  auto error = plan.graph.build(cudnn.get(), {fe::HeurMode_t::A});
  if (error.is_bad()) return refused(error.get_message());
  std::int64_t size = 0;
  if (auto failed = plan.graph.get_workspace_size(size); failed.is_bad()) {
    return refused(failed.get_message());
  }
  std::size_t free = 0;
  std::size_t all = 0;
  PW_CUDA(cudaMemGetInfo(&free, &all));
  if (static_cast<std::size_t>(size) > free) {
    return refused(
        fmt::format("its workspace of {} bytes is over the {} that are free", size, free));
  }
  plan.workspace = Buffer(static_cast<std::size_t>(size));
  return {};
}

class CudnnAttention : public Attention {
 public:
  explicit CudnnAttention(const AttentionOptions& options) : options_(options) {}

  std::optional<NotMeasured> prepare() {
    describe_forward(forward_.graph, options_);
    if (auto refused = build(cudnn_, forward_, "forward")) return refused;
    if (!options_.backward) return {};
    describe_backward(backward_.graph, options_);
    return build(cudnn_, backward_, "backward");
  }

  void forward(const AttentionForward& at, cudaStream_t stream) override {
    Pack pack{{kQ, input(at.q)},
              {kK, input(at.k)},
              {kV, input(at.v)},
              {kO, at.o},
              {kLogSums, at.log_sums}};
    execute(forward_, pack, stream);
  }

  void backward(const AttentionBackward& at, cudaStream_t stream) override {
    PW_CHECK(options_.backward);
    Pack pack{{kQ, input(at.q)}, {kK, input(at.k)},    {kV, input(at.v)},
              {kO, input(at.o)}, {kDO, input(at.d_o)}, {kLogSums, const_cast<float*>(at.log_sums)},
              {kDQ, at.d_q},     {kDK, at.d_k},        {kDV, at.d_v}};
    execute(backward_, pack, stream);
  }

  std::string implementation() const override { return "cudnn_sdpa"; }
  std::string proxy() const override { return {}; }
  int forward_kernels() const override { return 1; }
  int backward_kernels() const override { return 1; }

 private:
  /// A pack of tensors has no const; inputs are only read.
  static void* input(const std::uint16_t* pointer) { return const_cast<std::uint16_t*>(pointer); }

  void execute(Plan& plan, Pack& pack, cudaStream_t stream) {
    check_cudnn(cudnnSetStream(cudnn_.get(), stream), "cudnnSetStream", __LINE__);
    auto error = plan.graph.execute(cudnn_.get(), pack, plan.workspace.as<void>());
    if (error.is_good()) return;
    throw std::runtime_error(fmt::format("cuDNN: {} in execute for sequence {}, {}:{}",
                                         error.get_message(), options_.sequence, __FILE__,
                                         __LINE__));
  }

  AttentionOptions options_;
  Cudnn cudnn_;
  Plan forward_;
  Plan backward_;
};

}  // namespace

std::variant<std::unique_ptr<Attention>, NotMeasured> make_cudnn_attention(
    const AttentionOptions& options) {
  PW_CHECK(options.batch > 0);
  PW_CHECK(options.sequence > 0);
  auto made = std::make_unique<CudnnAttention>(options);
  if (auto refused = made->prepare()) return std::move(*refused);
  return made;
}

}  // namespace planewise::calibration

#endif
