#include "data/images/check.hpp"

#include <algorithm>

#include "data/images/image_file.hpp"
#include "data/images/orientation.hpp"
#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Number of files between two reports of progress.
constexpr std::int64_t kChunk = 256;
/// Gap between the pictures of a page in pixels, and the colour of gaps and missing pictures.
constexpr int kGap = 2;
constexpr std::uint8_t kGrey = 128;

/// Result of checking one file.
struct Finding {
  std::string problem;
  std::uint64_t size = 0;  ///< in bytes
  std::uint64_t hash = 0;
  int width = 0;
  int height = 0;
  bool turned = false;
};

/// Receives a picture and keeps its size alone.
class RowCheck final : public RowSink {
 public:
  void start(int height, int width) override {
    height_ = height;
    row_.resize(static_cast<std::size_t>(width) * 3);
  }
  std::uint8_t* row() override { return row_.data(); }
  void done() override {}

  int height() const { return height_; }
  int width() const { return static_cast<int>(row_.size() / 3); }

 private:
  int height_ = 0;
  std::vector<std::uint8_t> row_;
};

Finding examine(const fs::path& file) {
  Finding finding;
  try {
    const std::string bytes = read_image_bytes(file);
    finding.size = bytes.size();
    finding.hash = hash_bytes(bytes);
    RowCheck rows;
    decode_rows(bytes, file.string(), rows);
    finding.width = rows.width();
    finding.height = rows.height();
    finding.turned = orientation_of(bytes) != 1;
  } catch (const Error& error) {
    finding.problem = error.what();
  }
  return finding;
}

/// Groups files with equal bytes, i.e. with equal length and hash.
std::vector<std::vector<std::int64_t>> find_duplicates(const std::vector<Finding>& findings) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::int64_t>> groups;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    if (finding.size > 0) {
      groups[{finding.size, finding.hash}].push_back(static_cast<std::int64_t>(i));
    }
  }
  std::vector<std::vector<std::int64_t>> duplicates;
  for (auto& [content, files] : groups) {
    if (files.size() > 1) duplicates.push_back(std::move(files));
  }
  std::sort(duplicates.begin(), duplicates.end());
  return duplicates;
}

}  // namespace

ImageCheck check_images(const std::vector<fs::path>& files, const LoadReport& report) {
  std::vector<Finding> findings(files.size());
  const auto total = std::ssize(files);
  for (std::int64_t first = 0; first < total; first += kChunk) {
    const std::int64_t end = std::min(first + kChunk, total);
    kernels::parallel_for(end - first, 1, [&](std::int64_t begin, std::int64_t stop) {
      for (auto i = static_cast<std::size_t>(first + begin);
           i < static_cast<std::size_t>(first + stop); ++i) {
        findings[i] = examine(files[i]);
      }
    });
    if (report.progress) report.progress(end, total);
  }
  ImageCheck check;
  check.duplicates = find_duplicates(findings);
  for (const Finding& finding : findings) {
    if (finding.problem.empty()) {
      ++check.sizes[{finding.width, finding.height}];
      check.turned += finding.turned ? 1 : 0;
    } else {
      check.unreadable.push_back(finding.problem);
    }
  }
  return check;
}

Image sample_page(const std::vector<std::vector<fs::path>>& rows, int side,
                  const std::function<void(const std::string&)>& unreadable) {
  std::size_t columns = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  const int step = side + kGap;
  Image page{
      static_cast<int>(rows.size()) * step + kGap, static_cast<int>(columns) * step + kGap, {}};
  page.pixels.assign(
      static_cast<std::size_t>(page.height) * static_cast<std::size_t>(page.width) * 3, kGrey);
  std::vector<std::uint8_t> picture(static_cast<std::size_t>(side) *
                                    static_cast<std::size_t>(side) * 3);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      try {
        read_resized(rows[r][c], side, true, picture.data());
      } catch (const Error& error) {
        unreadable(error.what());
        continue;
      }
      for (int y = 0; y < side; ++y) {
        const std::ptrdiff_t to = (static_cast<std::ptrdiff_t>(r) * step + kGap + y) * page.width +
                                  static_cast<std::ptrdiff_t>(c) * step + kGap;
        std::copy_n(picture.begin() + std::ptrdiff_t{3} * y * side, 3 * side,
                    page.pixels.begin() + 3 * to);
      }
    }
  }
  return page;
}

}  // namespace bptplr
