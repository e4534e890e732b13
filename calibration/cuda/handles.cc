#include "calibration/cuda/handles.h"

#include <fmt/format.h>

#include <stdexcept>

namespace planewise::calibration {

void check_cuda(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  int device = -1;
  cudaGetDevice(&device);
  throw std::runtime_error(fmt::format("CUDA: {} ({}) in {} on device {}, {}:{}",
                                       cudaGetErrorString(status), cudaGetErrorName(status), call,
                                       device, file, line));
}

int device_attribute(cudaDeviceAttr which) {
  int device = 0;
  int value = 0;
  PW_CUDA(cudaGetDevice(&device));
  PW_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

Stream::Stream() { PW_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }

Stream::~Stream() { cudaStreamDestroy(stream_); }

void Stream::synchronise() const { PW_CUDA(cudaStreamSynchronize(stream_)); }

Event::Event() { PW_CUDA(cudaEventCreate(&event_)); }

Event::~Event() {
  if (event_ != nullptr) cudaEventDestroy(event_);
}

void Event::record(const Stream& stream) const { PW_CUDA(cudaEventRecord(event_, stream.get())); }

double Event::seconds_since(const Event& earlier) const {
  float milliseconds = 0;
  PW_CUDA(cudaEventElapsedTime(&milliseconds, earlier.event_, event_));
  return static_cast<double>(milliseconds) * 1e-3;
}

Buffer::Buffer(std::size_t size) : size_(size) {
  if (size > 0) PW_CUDA(cudaMalloc(&data_, size));
}

Buffer::~Buffer() { cudaFree(data_); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void Buffer::poison(const Stream& stream) const {
  if (size_ > 0) PW_CUDA(cudaMemsetAsync(data_, 0xFF, size_, stream.get()));
}

Graph::~Graph() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
}

Graph& Graph::operator=(Graph&& other) noexcept {
  std::swap(graph_, other.graph_);
  return *this;
}

void Graph::launch(const Stream& stream) const { PW_CUDA(cudaGraphLaunch(graph_, stream.get())); }

GraphCapture::GraphCapture(const Stream& stream) : stream_(stream) {
  PW_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
}

GraphCapture::~GraphCapture() {
  if (!is_open_) return;
  cudaGraph_t dropped = nullptr;
  cudaStreamEndCapture(stream_.get(), &dropped);
  if (dropped != nullptr) cudaGraphDestroy(dropped);
}

Graph GraphCapture::finish() {
  cudaGraph_t captured = nullptr;
  is_open_ = false;
  PW_CUDA(cudaStreamEndCapture(stream_.get(), &captured));
  Graph graph;
  const cudaError_t status = cudaGraphInstantiate(&graph.graph_, captured, 0);
  cudaGraphDestroy(captured);
  check_cuda(status, "cudaGraphInstantiate", __FILE__, __LINE__);
  return graph;
}

}  // namespace planewise::calibration
