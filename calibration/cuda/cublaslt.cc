// Source of the rules: cuBLAS 13 documentation, sections "Narrow Precision Data Types Usage" and
// cublasLtMatmul().
#include "calibration/cuda/cublaslt.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/check.h"

namespace planewise::calibration {
namespace {

constexpr std::size_t kWorkspaceBytes = 32u << 20;

bool has_scales(cublasLtMatmulMatrixScale_t mode) {
  return mode != CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
}

std::string compute_capability() {
  int device = 0;
  int major = 0;
  int minor = 0;
  PW_CUDA(cudaGetDevice(&device));
  PW_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  PW_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  return fmt::format("{}.{}", major, minor);
}

const char* scale_name(cublasLtMatmulMatrixScale_t mode) {
  switch (mode) {
    case CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F:
      return "none";
    case CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0:
      return "1x32 E8M0";
    case CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F:
      return "1x128";
    case CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F:
      return "128x128";
    default:
      return "other";
  }
}

/// `cuBLASLt 13.1.0 has no product with scales 1x128 and 128x128 for m .. on compute capability
/// 8.0 (CUBLAS_STATUS_NOT_SUPPORTED)`.
std::string refusal(const MatrixProduct& product, cublasStatus_t status) {
  std::string scales;
  if (has_scales(product.x_scale)) {
    scales = fmt::format(" with scales {} and {}", scale_name(product.x_scale),
                         scale_name(product.w_scale));
  }
  return fmt::format("cuBLASLt {} has no product{} for {} on compute capability {} ({})",
                     cublaslt_version(), scales, to_string(product), compute_capability(),
                     cublasLtGetStatusName(status));
}

/// Destroys on leaving the scope.
class Preference {
 public:
  explicit Preference(const std::string& about) {
    PW_CUBLASLT(cublasLtMatmulPreferenceCreate(&preference_), about);
  }
  ~Preference() { cublasLtMatmulPreferenceDestroy(preference_); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;
  cublasLtMatmulPreference_t get() const { return preference_; }

 private:
  cublasLtMatmulPreference_t preference_ = nullptr;
};

}  // namespace

void check_cublaslt(cublasStatus_t status, const char* call, const std::string& about,
                    const char* file, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  int device = -1;
  cudaGetDevice(&device);
  throw std::runtime_error(fmt::format("cuBLASLt: {} ({}) in {}{}{} on device {}, {}:{}",
                                       cublasLtGetStatusString(status),
                                       cublasLtGetStatusName(status), call,
                                       about.empty() ? "" : " for ", about, device, file, line));
}

std::string cublaslt_version() {
  const std::size_t version = cublasLtGetVersion();  // 13 01 00: two digits each
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::string to_string(const MatrixProduct& product) {
  std::string text = fmt::format("m {} n {} k {}", product.m, product.n, product.k);
  if (product.batch > 1) text += fmt::format(" batch {}", product.batch);
  return text;
}

CublasLt::CublasLt() : workspace_(kWorkspaceBytes) { PW_CUBLASLT(cublasLtCreate(&handle_), ""); }

CublasLt::~CublasLt() { cublasLtDestroy(handle_); }

Matmul::Matmul(const CublasLt& library, const MatrixProduct& product)
    : library_(library), product_(product) {}

Matmul::~Matmul() {
  if (y_layout_ != nullptr) cublasLtMatrixLayoutDestroy(y_layout_);
  if (x_layout_ != nullptr) cublasLtMatrixLayoutDestroy(x_layout_);
  if (w_layout_ != nullptr) cublasLtMatrixLayoutDestroy(w_layout_);
  if (description_ != nullptr) cublasLtMatmulDescDestroy(description_);
}

cublasLtMatrixLayout_t Matmul::layout(cudaDataType_t type, std::array<std::int64_t, 2> rows_columns,
                                      std::int64_t leading, std::int64_t stride) const {
  const std::string about = to_string(product_);
  cublasLtMatrixLayout_t made = nullptr;
  // Rows of ours are its columns.
  PW_CUBLASLT(cublasLtMatrixLayoutCreate(&made, type, static_cast<std::uint64_t>(rows_columns[1]),
                                         static_cast<std::uint64_t>(rows_columns[0]), leading),
              about);
  if (product_.batch > 1) {
    const auto count = static_cast<std::int32_t>(product_.batch);
    PW_CUBLASLT(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                                 sizeof count),
                about);
    PW_CUBLASLT(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                                 &stride, sizeof stride),
                about);
  }
  return made;
}

void Matmul::describe() {
  const MatrixProduct& p = product_;
  const std::string about = to_string(p);
  // Y^T [n, m] = (W^T)^T X^T: what is K-major is k x n or k x m to cuBLASLt, the TN form that
  // FP8 needs.
  const cublasOperation_t w_turn = p.w_stored == Stored::k_major ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t x_turn = p.x_stored == Stored::k_major ? CUBLAS_OP_N : CUBLAS_OP_T;
  const std::int8_t fast_accumulation = 0;  // must be off with block scales
  const std::int32_t w_scale = p.w_scale;
  const std::int32_t x_scale = p.x_scale;
  const std::int32_t sms = p.sms;
  const auto set = [&](cublasLtMatmulDescAttributes_t what, const auto& value) {
    PW_CUBLASLT(cublasLtMatmulDescSetAttribute(description_, what, &value, sizeof value), about);
  };
  // CUBLAS_COMPUTE_32F uses no TF32 for FP32 operands.
  PW_CUBLASLT(cublasLtMatmulDescCreate(&description_, CUBLAS_COMPUTE_32F, CUDA_R_32F), about);
  set(CUBLASLT_MATMUL_DESC_TRANSA, w_turn);
  set(CUBLASLT_MATMUL_DESC_TRANSB, x_turn);
  if (sms > 0) set(CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, sms);
  if (has_scales(p.w_scale)) {
    set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, fast_accumulation);
    set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, w_scale);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, x_scale);
    // The heuristic refuses block scales without an address; any aligned one will do for it.
    point_to_scales(library_.workspace().as<void>(), library_.workspace().as<void>());
  }
  const bool w_is_k_major = p.w_stored == Stored::k_major;
  const bool x_is_k_major = p.x_stored == Stored::k_major;
  w_layout_ = layout(p.operand_type, {w_is_k_major ? p.n : p.k, w_is_k_major ? p.k : p.n},
                     p.w_leading, p.w_stride);
  x_layout_ = layout(p.operand_type, {x_is_k_major ? p.m : p.k, x_is_k_major ? p.k : p.m},
                     p.x_leading, p.x_stride);
  y_layout_ = layout(p.result_type, {p.m, p.n}, p.y_leading, p.y_stride);
}

void Matmul::point_to_scales(const void* x_scales, const void* w_scales) {
  PW_CUBLASLT(cublasLtMatmulDescSetAttribute(description_, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER,
                                             &w_scales, sizeof w_scales),
              to_string(product_));
  PW_CUBLASLT(cublasLtMatmulDescSetAttribute(description_, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER,
                                             &x_scales, sizeof x_scales),
              to_string(product_));
}

std::variant<std::unique_ptr<Matmul>, NotMeasured> Matmul::make(const CublasLt& library,
                                                                const MatrixProduct& product) {
  PW_CHECK(has_scales(product.x_scale) == has_scales(product.w_scale));
  std::unique_ptr<Matmul> made(new Matmul(library, product));
  made->describe();
  const std::string about = to_string(product);
  const Preference preference(about);
  const std::uint64_t workspace = library.workspace().size();
  const auto alignment = static_cast<std::uint32_t>(product.alignment);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
    PW_CUBLASLT(cublasLtMatmulPreferenceSetAttribute(preference.get(), what, &value, sizeof value),
                about);
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment);
  cublasLtMatmulHeuristicResult_t found{};
  int found_count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      library.get(), made->description_, made->w_layout_, made->x_layout_, made->y_layout_,
      made->y_layout_, preference.get(), 1, &found, &found_count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
      status == CUBLAS_STATUS_ARCH_MISMATCH) {
    return NotMeasured{refusal(product, status)};
  }
  PW_CUBLASLT(status, about);
  if (found_count == 0) return NotMeasured{refusal(product, CUBLAS_STATUS_NOT_SUPPORTED)};
  if (found.state != CUBLAS_STATUS_SUCCESS) return NotMeasured{refusal(product, found.state)};
  made->algorithm_ = found.algo;
  return made;
}

void Matmul::launch(const MatrixPointers& at, cudaStream_t stream) {
  // The call reads the description before it returns, so that one serves all calls.
  if (has_scales(product_.w_scale)) point_to_scales(at.x_scales, at.w_scales);
  const Buffer& workspace = library_.workspace();
  PW_CUBLASLT(cublasLtMatmul(library_.get(), description_, &at.alpha, at.w, w_layout_, at.x,
                             x_layout_, &at.beta, at.y, y_layout_, at.y, y_layout_, &algorithm_,
                             workspace.as<void>(), workspace.size(), stream),
              to_string(product_));
}

}  // namespace planewise::calibration
