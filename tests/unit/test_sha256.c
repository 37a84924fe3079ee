/* SPDX-License-Identifier: GPL-2.0-or-later
 * The examples that NIST publishes for FIPS 180-4.
 */
#include "test.h"
#include "util/sha256.h"

int main(void)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char out[SHA256_HEX];

	sha256_hex("", 0, out);
	SAME_TEXT(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_hex("abc", 3, out);
	SAME_TEXT(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(two_blocks, strlen(two_blocks), out);
	SAME_TEXT(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	return test_end();
}
