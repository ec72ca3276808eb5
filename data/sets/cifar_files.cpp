#include "data/sets/cifar_files.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/torch/pickle.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr int kCifarSide = 32;
constexpr std::int64_t kCifarPlane = kCifarSide * kCifarSide;
constexpr std::int64_t kCifarBytes = 3 * kCifarPlane;

/// Images and labels read so far.
struct Batch {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
};

/// Appends one image from three planes (red, green, blue), as CIFAR stores it, to NHWC pixels.
void append_image(std::string_view planes, std::int64_t label, Batch& batch) {
  const std::size_t start = batch.pixels.size();
  batch.pixels.resize(start + kCifarBytes);
  std::uint8_t* to = batch.pixels.data() + start;
  for (std::size_t i = 0; i < kCifarPlane; ++i) {
    for (std::size_t c = 0; c < 3; ++c)
      *to++ = static_cast<std::uint8_t>(planes[c * kCifarPlane + i]);
  }
  batch.labels.push_back(label);
}

void require_label(const CifarFormat& format, std::int64_t label, const fs::path& path,
                   std::int64_t position) {
  require(label >= 0 && label < format.classes,
          "{}: image {} has label {}, {} labels are 0 to {}; the file is damaged or of another "
          "data set, fetch it again",
          path.string(), position, label, format.name, format.classes - 1);
}

void append_binary(const CifarFormat& format, const fs::path& path, Batch& batch) {
  const std::string bytes = read_file(path);
  const std::size_t record = format.label_bytes + kCifarBytes;
  require(!bytes.empty() && bytes.size() % record == 0,
          "{}: {} bytes, where records of {} bytes (label and image) are expected; the file is cut "
          "short or of another kind, fetch it again",
          path.string(), bytes.size(), record);
  batch.pixels.reserve(bytes.size());
  for (std::size_t start = 0; start < bytes.size(); start += record) {
    const std::size_t image = start + format.label_bytes;
    const std::int64_t label = static_cast<std::uint8_t>(bytes[image - 1]);
    require_label(format, label, path, static_cast<std::int64_t>(start / record));
    append_image(std::string_view(bytes).substr(image, kCifarBytes), label, batch);
  }
}

void append_python(const CifarFormat& format, const fs::path& path, Batch& batch) {
  using Kind = PickleValue::Kind;
  const Pickle pickle(read_file(path), path.string());
  const PickleValue* labels = pickle.root().find(format.label_key);
  const PickleValue* data = pickle.root().find("data");
  require(labels != nullptr && data != nullptr,
          "{}: not a {} batch: it has no entries \"{}\" and \"data\"; use the files of {}",
          path.string(), format.name, format.label_key, format.python_archive);
  require(labels->kind == Kind::kList && !labels->items.empty(),
          "{}: \"{}\" is not a list of integers; fetch the file again", path.string(),
          format.label_key);
  const auto count = static_cast<std::int64_t>(labels->items.size());
  require(data->kind == Kind::kArray && data->dtype == "u1" && data->items.size() == 2 &&
              data->items[0]->integer == count && data->items[1]->integer == kCifarBytes &&
              data->text.size() == static_cast<std::size_t>(count * kCifarBytes),
          "{}: \"data\" is not a uint8 array of {} x {}, an image for each label; fetch the file "
          "again",
          path.string(), count, kCifarBytes);
  batch.pixels.reserve(data->text.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const PickleValue& label = *labels->items[static_cast<std::size_t>(i)];
    require(label.kind == Kind::kInteger,
            "{}: the label of image {} is not an integer; fetch the file again", path.string(), i);
    require_label(format, label.integer, path, i);
    append_image(data->text.substr(static_cast<std::size_t>(i * kCifarBytes), kCifarBytes),
                 label.integer, batch);
  }
}

}  // namespace

CifarFiles::CifarFiles(const CifarFormat& format, const fs::path& folder) : format_(format) {
  for (const auto& [candidate, layout] : {std::pair{folder, Layout::kBinary},
                                          {folder / format.binary_folder, Layout::kBinary},
                                          {folder, Layout::kPython},
                                          {folder / format.python_folder, Layout::kPython}}) {
    folder_ = candidate;
    layout_ = layout;
    std::error_code ignored;
    if (fs::exists(path(format.first_batch), ignored)) return;
  }
  throw Error(
      "{}: no {} here (neither {}.bin nor {}, nor a folder {} or {}); extract an archive of "
      "https://www.cs.toronto.edu/~kriz/cifar.html and name that folder",
      folder.string(), format.name, format.first_batch, format.first_batch, format.binary_folder,
      format.python_folder);
}

fs::path CifarFiles::path(const std::string& batch) const {
  return folder_ / (layout_ == Layout::kBinary ? batch + ".bin" : batch);
}

Split CifarFiles::read(const std::vector<std::string>& batches) const {
  std::vector<Batch> parts(batches.size());
  kernels::parallel_for(static_cast<std::int64_t>(batches.size()), 1,
                        [&](std::int64_t begin, std::int64_t) {
                          const auto i = static_cast<std::size_t>(begin);
                          const fs::path file = path(batches[i]);
                          layout_ == Layout::kBinary ? append_binary(format_, file, parts[i])
                                                     : append_python(format_, file, parts[i]);
                        });
  Batch all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Batch& part = parts[i];
    require(part.labels.size() == parts[0].labels.size(),
            "{}: {} images, but {} has {}; one of them is cut short, fetch both again",
            path(batches[i]).string(), part.labels.size(), path(batches[0]).string(),
            parts[0].labels.size());
    all.pixels.insert(all.pixels.end(), part.pixels.begin(), part.pixels.end());
    all.labels.insert(all.labels.end(), part.labels.begin(), part.labels.end());
  }
  return {Images::in_memory(kCifarSide, kCifarSide, std::move(all.pixels)), std::move(all.labels)};
}

}  // namespace bptplr
