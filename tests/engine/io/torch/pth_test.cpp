// Weights as PyTorch 1.13 has written them (tests/golden/make_pth.py), whole and damaged.
#include "engine/io/torch/pth.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "engine/io/file.hpp"
#include "engine/io/zip.hpp"
#include "engine/random.hpp"
#include "kernels/float16.hpp"
#include "tests/golden.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

fs::path golden_file(const std::string& name) {
  return fs::path(BPTPLR_GOLDEN_DIR) / "pth" / name;
}

/// What is made of a file's bytes.
struct Reading {
  TensorMap tensors;
  std::string error;  ///< empty when there is none
};
Reading parse(std::string bytes) {
  try {
    return {parse_pth(std::move(bytes), "some.pth"), ""};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

bool same(const TensorMap& a, const TensorMap& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end() || other->second.shape() != tensor.shape() ||
        other->second.dtype() != tensor.dtype()) {
      return false;
    }
    const auto bytes = static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
    if (std::memcmp(tensor.raw(), other->second.raw(), bytes) != 0) return false;
  }
  return true;
}

std::string error_of(const fs::path& path) {
  return message_of([&] { load_pth(path); });
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << text << "' instead of " << part;
}

TEST(Pth, LoadsTheNumbersThatPyTorchSaved) {
  for (const std::string name : {"backbone", "types"}) {
    const TensorMap loaded = load_pth(golden_file(name + ".pth"));
    const TensorMap expected = Golden("pth/expected").with_prefix(name + "/");
    EXPECT_GT(expected.size(), 16U);
    EXPECT_EQ(loaded.size(), expected.size());
    for (const auto& [key, tensor] : expected) {
      ASSERT_TRUE(loaded.contains(key)) << key;
      EXPECT_TRUE(same({{key, loaded.at(key)}}, {{key, tensor}})) << key;
    }
  }
}

float half(std::uint16_t bits) {
  return static_cast<float>(kernels::float16{bits});
}

TEST(Pth, HalfPrecisionIsExact) {
  EXPECT_EQ(half(0x3c00), 1.0F);
  EXPECT_EQ(half(0xc500), -5.0F);
  EXPECT_EQ(half(0x7bff), 65504.0F);
  EXPECT_EQ(half(0x0001), 0x1p-24F);
  EXPECT_EQ(half(0x83ff), -1023 * 0x1p-24F);
  EXPECT_TRUE(std::signbit(half(0x8000)));
  EXPECT_EQ(half(0xfc00), -INFINITY);
  EXPECT_TRUE(std::isnan(half(0x7e00)));
}

TEST(Pth, SaysWhatItCannotRead) {
  expect_contains(error_of(golden_file("legacy.pth")), "it is a single value");
  expect_contains(error_of(golden_file("legacy.pth")), "legacy.pth");
  expect_contains(error_of(golden_file("expected.safetensors")), "no file of torch.save");
  expect_contains(error_of(golden_file("nowhere.pth")), "nowhere.pth");
  expect_contains(error_of(golden_file("")), "regular file");
}

void expect_types(const TensorMap& loaded, const std::string& prefix) {
  const TensorMap expected = Golden("pth/expected").with_prefix("types/");
  EXPECT_EQ(loaded.size(), expected.size());
  for (const auto& [key, tensor] : expected) {
    ASSERT_TRUE(loaded.contains(prefix + key)) << key;
    EXPECT_TRUE(same({{key, loaded.at(prefix + key)}}, {{key, tensor}})) << key;
  }
}

TEST(Pth, SkipsOtherObjectsUnread) {
  EXPECT_EQ(load_pth(golden_file("object.pth")).at("model").shape(), (Shape{7, 64}));
  expect_types(load_pth(golden_file("trainer.pth")), "model.");
}

TEST(Pth, ReadsTheFormatBefore16) {
  expect_types(load_pth(golden_file("stream.pth")), "");
}

TEST(Pth, ReadsPickleProtocol5) {
  expect_types(load_pth(golden_file("protocol5.pth")), "");
}

TEST(Pth, WeightsAreRecognisedByTheirContent) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "model.bin", read_file(golden_file("expected.safetensors")));
  write_file_atomically(folder / "model.safetensors", read_file(golden_file("types.pth")));
  EXPECT_TRUE(same(load_weights(folder / "model.bin"), Golden("pth/expected").with_prefix("")));
  expect_types(load_weights(folder / "model.safetensors"), "");
}

TEST(Pth, DamageToAStreamNeverCrashes) {
  const std::string whole = read_file(golden_file("stream.pth"));
  Philox random(5, Purpose::kTest);
  for (int trial = 0; trial < 3000; ++trial) {
    std::string damaged = whole;
    for (std::uint32_t i = 0; i < 1 + random.below(3); ++i) {
      damaged[random.below(static_cast<std::uint32_t>(whole.size()))] =
          static_cast<char>(random.next());
    }
    parse(std::move(damaged));
  }
}

TEST(Pth, EveryTruncationIsAnError) {
  for (const char* name : {"types.pth", "object.pth", "stream.pth"}) {
    const std::string whole = read_file(golden_file(name));
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 97) {
      expect_contains(parse(whole.substr(0, size)).error, "some.pth");
    }
  }
}

/// A flipped bit is found, or lies where nothing is read: in padding, in times and attributes.
TEST(Pth, EveryFlippedBitIsAnErrorOrWithoutEffect) {
  const std::string whole = read_file(golden_file("types.pth"));
  const TensorMap expected = parse(whole).tensors;
  int errors = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1 << at % 8);
    const Reading reading = parse(damaged);
    if (reading.error.empty()) {
      EXPECT_TRUE(same(reading.tensors, expected)) << at;
    } else {
      ++errors;
    }
  }
  EXPECT_GT(errors, 1500);  // data.pkl, the elements, sizes, offsets, names
}

/// CRC-32, bit by bit.
std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1U) * 0xedb88320U;
  }
  return ~crc;
}

/// A file of the format before PyTorch 1.6 with this value and no tensors.
std::string with_stream(const std::string& pickle) {
  const std::string magic("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 15);
  const std::string version("\x80\x02M\xe9\x03.", 6);
  return magic + version + "\x80\x02}." + pickle + "\x80\x02].";
}

/// Where the pickle of a file lies, and its entry in the directory, which comes first there.
struct PicklePlace {
  std::size_t begin, size, entry;
};
PicklePlace find_pickle(const std::string& bytes) {
  const std::size_t entry = bytes.find("PK\x01\x02");
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data() + entry + 24, sizeof size);
  return {bytes.find("\x80\x02}"), size, entry};
}

void set_checksum(std::string& bytes, const PicklePlace& place) {
  const std::uint32_t sum = checksum(std::string_view(bytes).substr(place.begin, place.size));
  std::memcpy(bytes.data() + place.entry + 16, &sum, sizeof sum);
}

/// The checksum hides damage from what lies behind it; here it is made to fit, so that the reader
/// of pickles and the bounds of tensors are on their own.
TEST(Pth, DamageThatTheChecksumHidesNeverCrashes) {
  const std::string whole = read_file(golden_file("types.pth"));
  const PicklePlace place = find_pickle(whole);
  ASSERT_EQ(whole[place.begin + place.size - 1], '.');
  Philox random(3, Purpose::kTest);
  int errors = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::string damaged = whole;
    const std::uint32_t changes = 1 + random.below(3);
    for (std::uint32_t i = 0; i < changes; ++i) {
      damaged[place.begin + random.below(static_cast<std::uint32_t>(place.size))] =
          static_cast<char>(random.next());
    }
    set_checksum(damaged, place);
    errors += parse(damaged).error.empty() ? 0 : 1;
  }
  EXPECT_GT(errors, 2000);
}

/// Replaces the first `from` in the pickle by as long a `to`.
std::string with_pickle(const std::string& from, const std::string& to) {
  std::string bytes = read_file(golden_file("types.pth"));
  const PicklePlace place = find_pickle(bytes);
  const std::size_t at = bytes.find(from, place.begin);
  EXPECT_LT(at, place.begin + place.size) << "not there";
  bytes.replace(at, from.size(), to);
  set_checksum(bytes, place);
  return bytes;
}

/// Appends an entry to the directory of an archive.
void add_entry(std::string& directory, const std::string& name, std::uint32_t offset,
               std::uint32_t size, std::uint32_t sum) {
  std::string entry(46, '\0');
  const auto set = [&](std::size_t at, std::uint32_t value, std::size_t bytes) {
    std::memcpy(entry.data() + at, &value, bytes);
  };
  set(0, 0x02014b50, 4);
  set(16, sum, 4);
  set(20, size, 4);
  set(24, size, 4);
  set(28, static_cast<std::uint32_t>(name.size()), 2);
  set(42, offset, 4);
  directory += entry + name;
}

TEST(Zip, EntriesOverTheSameBytesAreNotAllRead) {
  // 2,000 entries of 4 MiB in a file of 4 MiB: their checksums alone are 8 GB of work.
  std::string local(30, '\0');
  const std::uint32_t signature = 0x04034b50;
  std::memcpy(local.data(), &signature, sizeof signature);
  const std::string content(std::size_t{4} << 20, 'x');
  const std::uint32_t sum = checksum(content);
  std::string directory;
  constexpr int kEntries = 2000;
  for (int i = 0; i < kEntries; ++i) {
    add_entry(directory, "e" + std::to_string(i), 0, static_cast<std::uint32_t>(content.size()),
              sum);
  }
  std::string end(22, '\0');
  const auto offset = static_cast<std::uint32_t>(local.size() + content.size());
  const auto size = static_cast<std::uint32_t>(directory.size());
  end.replace(0, 4, "PK\x05\x06", 4);
  std::memcpy(end.data() + 10, &kEntries, 2);
  std::memcpy(end.data() + 12, &size, sizeof size);
  std::memcpy(end.data() + 16, &offset, sizeof offset);
  ZipArchive archive(local + content + directory + end, "some.pth");
  EXPECT_EQ(archive.read("e0"), content);
  expect_contains(message_of([&] {
                    for (int i = 0; i < kEntries; ++i) archive.read("e" + std::to_string(i));
                  }),
                  "takes far more memory or time");
}

TEST(Pth, ADictThatContainsItselfIsLookedAtOnce) {
  // A dict that is its own entry under every name of a wrapper: without a memory of what was seen,
  // 16^4 ways lead through it, each past 100,000 other entries.
  const auto text = [](const std::string& name) {
    return "\x8c" + std::string(1, static_cast<char>(name.size())) + name;
  };
  std::string pickle = "\x80\x04}\x94(";
  for (int i = 0; i < 100'000; ++i) pickle += std::string("\x8c\x01xN", 4);
  for (const char* name : {"state_dict", "model_state_dict", "model_state", "model", "net",
                           "network", "module", "params", "params_ema", "weights", "teacher",
                           "student", "model_ema", "state_dict_ema", "ema_state_dict", "ema"}) {
    pickle += text(name) + std::string("h\x00", 2);
  }
  expect_contains(parse(with_stream(pickle + "u.")).error, "holds no tensors under names");
}

TEST(Pth, TensorsMustLieInTheirStorage) {
  using namespace std::string_literals;
  // Storage 0 has 24 elements: (4, 6) with strides (6, 1).
  const std::string sizes = "K\x04K\x06\x86"s;
  EXPECT_EQ(parse(with_pickle(sizes, sizes)).error, "");
  for (const std::string& other : {"K\x05K\x06\x86"s, "K\x04K\x07\x86"s, "K\x04K\xff\x86"s}) {
    expect_contains(parse(with_pickle(sizes, other)).error, "reaches beyond its storage");
  }
  expect_contains(parse(with_pickle("K\x18"s, "K\x19"s)).error, "larger than its entry");
  expect_contains(parse(with_pickle("FloatStorage", "CharStorages")).error,
                  "no storage of PyTorch");
}

TEST(Pth, OffsetsOfTheArchiveAreChecked) {
  const std::string whole = read_file(golden_file("types.pth"));
  const std::size_t end = whole.rfind("PK\x05\x06");
  const std::size_t entry = whole.find("PK\x01\x02");
  // Size and offset of the directory; size, name's length and offset of its first entry.
  for (const std::size_t at :
       {end + 12, end + 16, entry + 20, entry + 24, entry + 28, entry + 42}) {
    for (const std::uint32_t value : {0x7fffffffU, 0xfffffffeU, 0xffffffffU, 4000U}) {
      std::string damaged = whole;
      std::memcpy(damaged.data() + at, &value, sizeof value);
      EXPECT_NE(parse(damaged).error, "") << at << " " << value;
    }
  }
}

}  // namespace
}  // namespace bptplr
