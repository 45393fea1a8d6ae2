"""What runs machine code, or reaches memory past Python's rules."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_RUNS = Meaning("native_code", "critical", "native_code", "runs native code", "dangerous")
_LIBRARY = _RUNS._replace(does="loads a native library", subject="path", argument=0, word="name")
_EXTENSION = _RUNS._replace(
    does="lets a database load native code", subject="path", argument=0, word="path"
)
_MEMORY = _RUNS._replace(severity="high", does="maps memory", factor="dangerous")
_COMPILES = _RUNS._replace(does="compiles native code")

TABLE: Table = (
    (_RUNS, "ctypes cffi _cffi_backend _ctypes_test gevent._ffi cppyy.gbl pyffi"),
    (_RUNS, "ctypes: CFUNCTYPE PYFUNCTYPE WINFUNCTYPE"),
    (
        _LIBRARY,
        """
        ctypes: CDLL WinDLL OleDLL PyDLL LibraryLoader util.dllist
        ctypes: cdll.LoadLibrary windll.LoadLibrary pydll.LoadLibrary
        cffi: FFI().dlopen
        os: add_dll_directory
        sys: setdlopenflags
        numpy.ctypeslib: load_library
        torch: ops.load_library classes.load_library
        tensorflow: load_op_library load_library
        """,
    ),
    (
        _EXTENSION,
        """
        sqlite3.connect().load_extension
        sqlite3.connect().enable_load_extension
        sqlite3: Connection().load_extension Connection().enable_load_extension
        apsw.Connection().loadextension
        *.enable_load_extension
        """,
    ),
    (
        _COMPILES,
        """
        torch.utils.cpp_extension: load load_inline
        scipy.LowLevelCallable
        llvmlite
        keystone unicorn capstone
        """,
    ),
    (
        _RUNS._replace(severity="high"),
        "wasmtime wasmer wasm3 pyopencl pycuda cupy.RawKernel cupy.RawModule",
    ),
    (
        None,
        """
        ctypes: c_int c_uint c_long c_ulong c_longlong c_ulonglong c_short c_ushort c_byte c_ubyte
        ctypes: c_float c_double c_longdouble c_bool c_size_t c_ssize_t c_int8 c_int16 c_int32
        ctypes: c_int64 c_uint8 c_uint16 c_uint32 c_uint64 sizeof alignment Structure
        ctypes: BigEndianStructure LittleEndianStructure Union ArgumentError c_char c_wchar
        ctypes: c_void_p c_char_p c_wchar_p Array create_string_buffer create_unicode_buffer
        ctypes: c_double_complex c_float_complex c_longdouble_complex
        ctypes.wintypes
        cffi: FFIError VerificationError
        numpy.ctypeslib: as_array as_ctypes ndpointer
        """,
    ),
    (_MEMORY._replace(category="fs_write", permission="", severity="medium"), "mmap mmap.mmap"),
)
