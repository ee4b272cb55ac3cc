/* The one function of bcryptprimitives.dll that programs in Rust need, for Wine 8, which lacks the library.
   For trying packages only; it is in none of them. */

#include <stddef.h>

__declspec(dllimport) unsigned char SystemFunction036(void *bytes, unsigned long length);

__declspec(dllexport) int ProcessPrng(unsigned char *bytes, size_t length)
{
    return SystemFunction036(bytes, (unsigned long)length);
}
