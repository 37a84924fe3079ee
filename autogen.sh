#!/bin/sh
# Makes ./configure from configure.ac; needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"

missing() {
	echo "autogen.sh: $1 is missing: install $2" >&2
	exit 1
}
command -v autoreconf >/dev/null || missing autoreconf autoconf
command -v automake >/dev/null || missing automake automake

autoreconf --install --force
# Without pkg.m4 autoreconf is content, and the configure that it makes breaks off in its middle.
if grep -q '^ *PKG_PROG_PKG_CONFIG' configure; then
	rm -f configure
	missing pkg.m4 'pkg-config (on some systems: pkgconf)'
fi
