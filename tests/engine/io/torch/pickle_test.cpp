#include "engine/io/torch/pickle.hpp"

#include <algorithm>
#include <iterator>

#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

using namespace std::string_literals;
using Kind = PickleValue::Kind;

std::string error_of(const std::string& bytes) {
  return message_of([&] { const Pickle pickle(bytes, "some.pkl"); });
}

void expect_error(const std::string& bytes, const std::string& what) {
  const std::string message = error_of(bytes);
  EXPECT_NE(message.find(what), std::string::npos) << "'" << message << "' instead of " << what;
}

/// {b'data': numpy.array([[1, 2, 200]], uint8), 'labels': [300, -2, True]} as Python 3 and NumPy
/// pickle it.
const std::string kProtocol2 =
    "\x80\x02}q\x00(c_codecs\nencode\nq\x01X\x04\x00\x00\x00"
    "dataq\x02X\x06\x00\x00\x00latin1q\x03\x86q\x04Rq\x05"
    "cnumpy.core.multiarray\n_reconstruct\nq\x06"
    "cnumpy\nndarray\nq\x07K\x00\x85q\x08h\x01X\x01\x00\x00\x00"
    "bq\x09h\x03\x86q\nRq\x0b\x87q\x0cRq\x0d(K\x01K\x01K\x03\x86q\x0e"
    "cnumpy\ndtype\nq\x0fX\x02\x00\x00\x00u1q\x10\x89\x88\x87q\x11Rq\x12(K\x03X\x01\x00\x00\x00|q"
    "\x13NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x14"
    "b\x89h\x01X\x04\x00\x00\x00\x01\x02\xc3\x88q\x15h\x03\x86q\x16Rq\x17tq\x18"
    "bX\x06\x00\x00\x00labelsq\x19]q\x1a(M,\x01J\xfe\xff\xff\xff\x88"
    "eu."s;
const std::string kProtocol4 =
    "\x80\x04\x95\xaf\x00\x00\x00\x00\x00\x00\x00}\x94("
    "C\x04"
    "data\x94\x8c\x16numpy._core.multiarray\x94\x8c\x0c_reconstruct\x94\x93\x94\x8c\x05numpy\x94"
    "\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94"
    "C\x01"
    "b\x94\x87\x94R\x94(K\x01K\x01K\x03\x86\x94h\x05\x8c\x05"
    "dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ"
    "\xff\xff\xff\xffK\x00t\x94"
    "b\x89"
    "C\x03\x01\x02\xc8\x94t\x94"
    "b\x8c\x06labels\x94]\x94(M,\x01J\xfe\xff\xff\xff\x88"
    "eu."s;

TEST(Pickle, ReadsWhatPython3Writes) {
  for (const std::string& bytes : {kProtocol2, kProtocol4}) {
    const Pickle pickle(bytes, "some.pkl");
    const PickleValue* data = pickle.root().find("data");
    ASSERT_TRUE(data != nullptr && data->kind == Kind::kArray);
    EXPECT_EQ(data->dtype, "u1");
    ASSERT_EQ(data->items.size(), 2U);
    EXPECT_EQ(data->items[0]->integer, 1);
    EXPECT_EQ(data->items[1]->integer, 3);
    EXPECT_EQ(data->text, "\x01\x02\xc8"s);
    const PickleValue* labels = pickle.root().find("labels");
    ASSERT_TRUE(labels != nullptr && labels->kind == Kind::kList && labels->items.size() == 3);
    EXPECT_EQ(labels->items[0]->integer, 300);
    EXPECT_EQ(labels->items[1]->integer, -2);
    EXPECT_EQ(labels->items[2]->kind, Kind::kBool);
    EXPECT_EQ(pickle.root().find("filenames"), nullptr);
    EXPECT_EQ(labels->find("data"), nullptr);
  }
}

TEST(Pickle, ReadsLongIntegers) {
  EXPECT_EQ(Pickle("\x80\x02\x8a\x00."s, "f").root().integer, 0);
  EXPECT_EQ(Pickle("\x80\x02\x8a\x02\xff\x00."s, "f").root().integer, 255);
  EXPECT_EQ(Pickle("\x80\x02\x8a\x01\xfe."s, "f").root().integer, -2);
  EXPECT_EQ(Pickle("\x80\x02\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."s, "f").root().integer,
            INT64_MAX);
}

TEST(Pickle, LoadsNoOtherObject) {
  expect_error(
      "\x80\x02"
      "cos\nsystem\nU\x02ls\x85R."s,
      "the Python object 'os system'");
  expect_error(
      "\x80\x04\x8c\x08"
      "builtins\x8c\x04"
      "eval\x93."s,
      "the Python object 'builtins eval'");
  expect_error(
      "\x80\x02"
      "cnumpy\nndarray\nU\x01x\x85R."s,
      "a call that neither data sets nor weights make");
  expect_error(
      "\x80\x02"
      "cnumpy\nndarray\n)\x81."s,
      "operation 0x81");
}

const PickleValue::Kind kForeign = PickleValue::Kind::kForeign;

TEST(Pickle, OtherObjectsCanBeSkippedUnread) {
  // {"a": os.system("ls"), "b": C() with a state, "c": {1, 2}, "d": 2**70, "e": 7}
  const std::string bytes =
      "\x80\x04}(\x8c\x01"
      "acos\nsystem\n\x8c\x02ls\x85R\x8c\x01"
      "bcm\nC\n)\x81}\x8c\x01xK\x01sb\x8c\x01"
      "c\x8f(K\x01K\x02\x90\x8c\x01"
      "d\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x40\x8c\x01"
      "eK\x07u.rest"s;
  const Pickle pickle(std::string_view(bytes), "some.pkl", ForeignObjects::kSkip);
  EXPECT_EQ(pickle.size(), bytes.size() - 4);
  const PickleValue& root = pickle.root();
  EXPECT_EQ(root.find("a")->text, "os system");
  EXPECT_EQ(root.find("b")->text, "m C");
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(root.find(key)->kind, kForeign) << key;
  EXPECT_EQ(root.find("e")->integer, 7);
  EXPECT_NE(error_of(bytes), "");
}

TEST(Pickle, NamesAndDictsOfForeignFilesStayBounded) {
  const std::string name(1 << 20, 'x');
  std::string names = "\x80\x04X\x00\x00\x10\x00"s + name + "q\x01";
  for (int i = 0; i < 100'000; ++i) names += "h\x01h\x01\x93"s;
  EXPECT_EQ(Pickle(std::string_view(names + "."), "f", ForeignObjects::kSkip).root().text, "");
  std::string dicts = "\x80\x04](";
  for (int i = 0; i < 10'000; ++i) dicts += "NN\x86"s;
  dicts += "eq\x01";
  for (int i = 0; i < 100'000; ++i) dicts += "ccollections\nOrderedDict\nh\x01\x85R"s;
  EXPECT_NE(message_of([&] {
              const Pickle pickle(dicts + ".", "f", ForeignObjects::kSkip);
            }).find("the same bytes over and over"),
            std::string::npos);
}

TEST(Pickle, StatesOfObjectsThatShareAListStayBounded) {
  // An array of Python objects takes its list over at every BUILD; a tuple of many parts is passed
  // over at every one.
  const std::string dtype = "cnumpy\ndtype\nX\x01\x00\x00\x00O\x85Rq\x02"s;
  std::string lists =
      "\x80\x02"
      "cnumpy.core.multiarray\n_reconstruct\n(tRq\x00"s +
      dtype + "0](";
  lists += std::string(100'000, 'N') + "eq\x01"s + "0";
  std::string tuples = lists + "(" + std::string(100'000, 'N') + "tq\x03"s + "0";
  for (int i = 0; i < 50'000; ++i) lists += "h\x00(K\x01)h\x02\x89h\x01tb0"s;
  for (int i = 0; i < 50'000; ++i) tuples += "h\x00h\x03"s + "b0";
  for (const std::string& bytes : {lists, tuples}) {
    EXPECT_NE(message_of([&] {
                const Pickle pickle(bytes + "N.", "f", ForeignObjects::kSkip);
              }).find("the same bytes over and over"),
              std::string::npos);
  }
}

TEST(Pickle, SaysWhatIsWrongAndWhere) {
  expect_error("", "1 more bytes expected where 0 are left");
  expect_error("", "some.pkl");
  expect_error("\x80\x06."s, "protocol 6");
  expect_error("\x80\x02."s, "empty stack");
  expect_error("\x80\x02(."s, "empty stack");
  expect_error("\x80\x02NNNt."s, "no beginning");
  expect_error("\x80\x02}(Nu."s, "key without a value");
  expect_error("\x80\x02]NNs."s, "not their container");
  expect_error("\x80\x02h\x07."s, "not stored");
  expect_error("\x80\x02X\xff\xff\xff\xff."s, "4294967295 more bytes");
  expect_error("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff."s, "more bytes");
  expect_error("\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00."s, "longer than the file");
  expect_error("\x80\x02\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01."s, "64 bits");
  expect_error(
      "\x80\x02"
      "cnumpy"s,
      "end of line");
  expect_error("not a pickle", "operation 0x6e");
  expect_error("GIF89a", "at byte 1 of 6");
}

TEST(Pickle, CyclesAndDeepNestingAreHarmless) {
  EXPECT_EQ(error_of("\x80\x02]q\x00h\x00"
                     "a."s),
            "");
  EXPECT_EQ(error_of("\x80\x02N" + std::string(500'000, '\x85') + "."), "");
  expect_error("\x80\x02" + std::string(2'000'000, 'N') + ".", "more than 1000000 operations");
  // The same text decoded again and again would fill the memory.
  std::string bomb =
      "\x80\x02"
      "c_codecs\nencode\nq\x00X"s;
  bomb += "\x00\x00\x10\x00"s + std::string(1 << 20, 'x') + "q\x01";
  for (int i = 0; i < 100'000; ++i) bomb += "h\x00h\x01U\x06latin1\x86R"s;
  expect_error(bomb + ".", "the same bytes over and over");
}

TEST(Pickle, RandomDamageNeverCrashes) {
  Philox random(3, Purpose::kTest);
  const std::string python2 = python_batch(0);
  for (const std::string& whole : {kProtocol2, kProtocol4, python2.substr(0, 250), python2}) {
    for (int trial = 0; trial < 5000; ++trial) {
      std::string damaged = whole;
      const std::uint32_t changes = 1 + random.below(4);
      for (std::uint32_t i = 0; i < changes; ++i) {
        const auto range = static_cast<std::uint32_t>(std::min<std::size_t>(whole.size(), 300));
        damaged[random.below(range)] = static_cast<char>(random.next());
      }
      error_of(damaged);
    }
  }
}

TEST(Pickle, ReadsTheGenuineLabelNames) {
  const auto path = std::filesystem::path(BPTPLR_SHARED_DIR) / "data" / "genuine-prefix" /
                    "cifar-10-batches-py" / "batches.meta";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const Pickle pickle(slurp(path), path.string());
  const PickleValue* names = pickle.root().find("label_names");
  ASSERT_TRUE(names != nullptr && names->items.size() == 10);
  EXPECT_EQ(names->items[9]->text, "truck");
  EXPECT_EQ(pickle.root().find("num_vis")->integer, 3072);
}

/// The genuine data_batch_1, of which the first 3 MiB are there, with zeros for the other pixels
/// and without file names.
TEST(Pickle, ReadsAGenuineBatch) {
  const auto path = std::filesystem::path(BPTPLR_SHARED_DIR) / "data" / "genuine-prefix" /
                    "cifar-10-batches-py" / "data_batch_1";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  std::string bytes = slurp(path);
  expect_error(bytes, "more bytes expected");
  const std::string before_pixels = "tb\x89T"s;
  const std::size_t pixels = bytes.find(before_pixels) + before_pixels.size() + 4;
  bytes.resize(pixels + 30'720'000);
  const Pickle pickle(bytes + "tbu.", path.string());
  const PickleValue* labels = pickle.root().find("labels");
  ASSERT_TRUE(labels != nullptr && labels->items.size() == 10'000);
  const std::int64_t first[] = {6, 9, 9, 4, 1, 1, 2, 7};
  for (std::size_t i = 0; i < std::size(first); ++i) EXPECT_EQ(labels->items[i]->integer, first[i]);
  const PickleValue* data = pickle.root().find("data");
  ASSERT_TRUE(data != nullptr && data->kind == Kind::kArray);
  EXPECT_EQ(data->text.size(), 30'720'000U);
  EXPECT_EQ(data->text.substr(0, 2), "\x3b\x2b");  // 59, 43: the first red values of image 0
}

}  // namespace
}  // namespace bptplr
