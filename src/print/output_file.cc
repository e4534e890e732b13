#include "print/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace planewise {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_all(int file, std::string_view text, const std::string& path) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(file, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("writing " + path);
    done += static_cast<std::size_t>(written);
  }
}

/// Devices, pipes and what stands under /dev (where a link may lead to a file that is open) take
/// the text as it comes: replacing them by a file would break them.
bool takes_text_as_it_comes(const std::string& path) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (failure || !std::filesystem::exists(status)) return false;
  return path.starts_with("/dev/") || !std::filesystem::is_regular_file(status);
}

/// The file itself where `path` is a link to one, so that the link stays.
std::string behind_links(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path target = std::filesystem::canonical(path, failure);
  return failure ? path : target.string();
}

}  // namespace

OutputFile::OutputFile(const std::string& asked) : path_(asked) {
  if (asked.empty() || asked == "-" || asked == "/dev/stdout") {
    path_ = "standard output";
    file_ = STDOUT_FILENO;
    return;
  }
  is_ours_ = true;
  if (takes_text_as_it_comes(asked)) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file_ < 0) fail("opening " + path_);
    return;
  }
  path_ = behind_links(asked);
  temporary_ = fmt::format("{}.{}.tmp", path_, ::getpid());
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file_ < 0) fail("creating " + std::exchange(temporary_, {}));
}

OutputFile::~OutputFile() {
  if (is_ours_ && file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::string_view text) {
  constexpr std::size_t kBuffered = 1 << 20;
  buffer_ += text;
  if (buffer_.size() >= kBuffered) flush();
}

void OutputFile::flush() {
  write_all(file_, buffer_, temporary_.empty() ? path_ : temporary_);
  buffer_.clear();
}

void OutputFile::finish() {
  flush();
  if (is_ours_ && ::close(std::exchange(file_, -1)) != 0) fail("closing " + path_);
  if (temporary_.empty()) return;
  std::filesystem::rename(temporary_, path_);
  temporary_.clear();
}

void write_output(const std::string& text, const std::string& asked) {
  OutputFile file(asked);
  file.write(text);
  file.finish();
}

}  // namespace planewise
