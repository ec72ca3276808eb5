// PNG by libpng, which leaves by longjmp on errors: `run` holds no objects with destructors.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "data/images/codecs.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

struct PngDecoder {
  std::string_view rest;  ///< bytes that the library has not read yet
  std::size_t file_bytes = 0;
  std::string message;
  std::string problem;  ///< found here, not by the library
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  ///< of an interlaced picture
  bool lacks_memory = false;
  png_structp library = nullptr;
  png_infop info = nullptr;

  ~PngDecoder() { png_destroy_read_struct(&library, &info, nullptr); }
};

void on_error(png_structp library, png_const_charp message) {
  static_cast<PngDecoder*>(png_get_error_ptr(library))->message = message;
  png_longjmp(library, 1);
}

/// Notes where memory runs out, which the library reports as damage of the file.
png_voidp allocate(png_structp library, png_alloc_size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) static_cast<PngDecoder*>(png_get_mem_ptr(library))->lacks_memory = true;
  return memory;
}

void release(png_structp, png_voidp memory) {
  std::free(memory);
}

/// Ignores warnings, which concern parts that do not affect the pixels.
void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp library, png_bytep out, std::size_t count) {
  auto& rest = static_cast<PngDecoder*>(png_get_io_ptr(library))->rest;
  if (count > rest.size()) png_error(library, "the file ends too early");
  std::memcpy(out, rest.data(), count);
  rest.remove_prefix(count);
}

/// Makes the library convert any colour type to 8-bit RGB.
void convert_to_rgb(png_structp library, png_infop info) {
  png_set_palette_to_rgb(library);
  png_set_expand_gray_1_2_4_to_8(library);
  png_set_strip_16(library);
  png_set_gray_to_rgb(library);
  png_set_strip_alpha(library);
  png_read_update_info(library, info);
}

/// Makes the library pass over all chunks but those of the pixels: it would take the memory that
/// texts and profiles claim before it reads them.
void read_pixels_only(png_structp library, std::size_t file_bytes) {
  png_set_keep_unknown_chunks(library, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_chunk_cache_max(library, 1);  // of chunks, of which the first is not kept
  png_set_chunk_malloc_max(library, std::max<std::size_t>(file_bytes, 1 << 20));
}

/// Reads an interlaced picture, which comes in several passes over all rows. Memory grows as rows
/// arrive, so a header that promises more than the file holds costs nothing.
void read_interlaced(PngDecoder& decoder, int passes, RowSink& sink) {
  const std::size_t stride = static_cast<std::size_t>(decoder.width) * 3;
  const auto height = static_cast<std::size_t>(decoder.height);
  decoder.pixels.reserve(stride * height);
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t y = 0; y < height; ++y) {
      if (pass == 0) decoder.pixels.resize((y + 1) * stride);
      png_read_row(decoder.library, decoder.pixels.data() + y * stride, nullptr);
    }
  }
  for (std::size_t y = 0; y < height; ++y) {
    std::copy_n(decoder.pixels.data() + y * stride, stride, sink.row());
    sink.done();
  }
}

void read_rows(PngDecoder& decoder, RowSink& sink) {
  const int passes = png_set_interlace_handling(decoder.library);
  if (passes > 1) {
    decoder.problem = memory_problem(decoder.height, decoder.width, 3, decoder.file_bytes);
    if (!decoder.problem.empty()) return;
  }
  sink.start(decoder.height, decoder.width);
  convert_to_rgb(decoder.library, decoder.info);
  if (passes > 1) {
    read_interlaced(decoder, passes, sink);
  } else {
    for (int y = 0; y < decoder.height; ++y) {
      png_read_row(decoder.library, sink.row(), nullptr);
      sink.done();
    }
  }
  png_read_end(decoder.library, nullptr);
}

/// Not inlined: a function that calls setjmp loses its values in registers after a longjmp.
[[gnu::noinline]] void decode(PngDecoder& decoder, RowSink& sink) {
  png_set_user_limits(decoder.library, kMaxPictureSide, kMaxPictureSide);
  read_pixels_only(decoder.library, decoder.file_bytes);
  png_set_read_fn(decoder.library, &decoder, read_bytes);
  png_read_info(decoder.library, decoder.info);
  decoder.height = static_cast<int>(png_get_image_height(decoder.library, decoder.info));
  decoder.width = static_cast<int>(png_get_image_width(decoder.library, decoder.info));
  decoder.problem = size_problem(decoder.height, decoder.width);
  if (decoder.problem.empty()) read_rows(decoder, sink);
}

/// Returns false if the library failed.
bool run(PngDecoder& decoder, RowSink& sink) {
  if (setjmp(png_jmpbuf(decoder.library)) != 0) return false;
  decode(decoder, sink);
  return true;
}

}  // namespace

std::string decode_png(std::string_view bytes, RowSink& sink) {
  const auto decoder = std::make_unique<PngDecoder>();
  decoder->rest = bytes;
  decoder->file_bytes = bytes.size();
  decoder->library = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder.get(), on_error,
                                              on_warning, decoder.get(), allocate, release);
  if (decoder->library == nullptr) throw std::bad_alloc();
  decoder->info = png_create_info_struct(decoder->library);
  if (decoder->info == nullptr) throw std::bad_alloc();
  const bool done = run(*decoder, sink);
  if (decoder->lacks_memory) throw std::bad_alloc();
  return std::move(done ? decoder->problem : decoder->message);
}

std::string encode_png(const Image& image) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string bytes(size, '\0');
  const int written =
      png_image_write_to_memory(&header, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr);
  require(written != 0, "cannot make a PNG of {} x {} pixels: {}; choose a smaller picture",
          image.width, image.height, header.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace bptplr
