// Owners of what CUDA hands out, and the check of its calls. Device memory is plain cudaMalloc.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>

namespace planewise::calibration {

/// Throws std::runtime_error with the call, the place and the device if `status` is an error.
void check_cuda(cudaError_t status, const char* call, const char* file, int line);

#define PW_CUDA(call) ::planewise::calibration::check_cuda((call), #call, __FILE__, __LINE__)

/// Of the current device.
int device_attribute(cudaDeviceAttr which);

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  void synchronise() const;

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event();
  ~Event();
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(const Stream& stream) const;
  /// Seconds from `earlier` to this one; both must be complete.
  double seconds_since(const Event& earlier) const;

 private:
  cudaEvent_t event_ = nullptr;
};

/// `size` bytes of device memory; none if 0.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size);
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::size_t size() const { return size_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  /// Fills with bytes of 0xFF: NaN in FP32, BF16 and e4m3 alike.
  void poison(const Stream& stream) const;

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A captured sequence of launches, ready to be replayed.
class Graph {
 public:
  Graph() = default;
  ~Graph();
  Graph(Graph&& other) noexcept : graph_(std::exchange(other.graph_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(const Stream& stream) const;

 private:
  friend class GraphCapture;
  cudaGraphExec_t graph_ = nullptr;
};

/// What is launched on `stream` while it lives is captured and not run.
class GraphCapture {
 public:
  explicit GraphCapture(const Stream& stream);
  /// Without finish() the capture is dropped.
  ~GraphCapture();
  GraphCapture(const GraphCapture&) = delete;
  GraphCapture& operator=(const GraphCapture&) = delete;
  Graph finish();

 private:
  const Stream& stream_;
  bool is_open_ = true;
};

}  // namespace planewise::calibration
