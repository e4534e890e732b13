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

}  // namespace

void write_output(const std::string& text, const std::string& path) {
  if (path.empty()) {
    write_all(STDOUT_FILENO, text, "standard output");
    return;
  }
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
