#include "tools/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace planewise::tools {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_all(int file, const std::string& text, const std::string& path) {
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

void write_into(const std::string& text, const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) fail("opening " + path);
  try {
    write_all(file, text, path);
  } catch (...) {
    ::close(file);
    throw;
  }
  if (::close(file) != 0) fail("closing " + path);
}

/// The file itself where `path` is a link to one, so that the link stays.
std::string behind_links(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path target = std::filesystem::canonical(path, failure);
  return failure ? path : target.string();
}

}  // namespace

void write_output(const std::string& text, const std::string& asked) {
  if (asked.empty() || asked == "-" || asked == "/dev/stdout") {
    write_all(STDOUT_FILENO, text, "standard output");
    return;
  }
  if (takes_text_as_it_comes(asked)) {
    write_into(text, asked);
    return;
  }
  const std::string path = behind_links(asked);
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) fail("creating " + temporary);
  try {
    write_all(file, text, temporary);
    if (::close(file) != 0) fail("closing " + temporary);
    std::filesystem::rename(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void write_report(const report::Report& report, const OutputOptions& options) {
  write_output(report::render(report, options.format), options.output);
}

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (last_percent_ >= 0) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(double share) {
  const int percent = static_cast<int>(share * 100);
  if (!is_terminal_ || percent == last_percent_) return;
  last_percent_ = percent;
  constexpr int kWidth = 40;
  const auto filled = static_cast<std::size_t>(share * kWidth);
  fmt::print(stderr, "\r\033[K{} [{}{}] {:3} %", what_, std::string(filled, '#'),
             std::string(kWidth - filled, '.'), percent);
  std::fflush(stderr);
}

}  // namespace planewise::tools
