"""What reads, writes, lists or removes files."""

from __future__ import annotations

from .meaning import RECEIVER, Meaning, Table

__all__ = ["TABLE"]

_READS = Meaning(
    *("sensitive_read", "medium", "filesystem_read", "reads a file", ""),
    subject="path",
    argument=0,
    word="path",
    called=True,
)
_LISTS = _READS._replace(does="looks what files there are")
_WRITES = Meaning(
    *("fs_write", "high", "filesystem_write", "writes a file", "write"),
    subject="path",
    argument=0,
    word="path",
)
_CALLS = _WRITES._replace(called=True)
_REMOVES = _WRITES._replace(does="removes files")
_TREE = _REMOVES._replace(severity="critical", does="removes a folder and all that is in it")
_TARGET = _WRITES._replace(argument=1, word="dst")
_CHANGES = _WRITES._replace(does="changes a file's owner, mode or times")
#: A folder of its own among the temporary files harms nobody.
_TEMPORARY = Meaning("fs_write", "low", "", "makes a temporary file")
_URL = Meaning(
    *("network", "high", "network_hosts", "reads from the network", "network"),
    subject="url",
    argument=0,
    called=True,
)


def _opens(mode: int, word: str = "file", mode_word: str = "mode", at: int = 0) -> Meaning:
    """Return what opening means: writing by its mode, reading else, nothing in memory."""
    read = _READS._replace(argument=at, word=word, condition=f"text:{at}/{word}")
    return _CALLS._replace(
        argument=at,
        word=word,
        condition=f"text:{at}/{word}&mode:{mode}/{mode_word}",
        otherwise=read,
    )


def _either(word: str) -> Meaning:
    """Return what reading a place means that may be a URL, a path or in memory."""
    read = _READS._replace(word=word, condition=f"text:0/{word}")
    return _URL._replace(word=word, condition=f"url:0/{word}", otherwise=read)


def _given(word: str, at: int = 0) -> Meaning:
    """Return what writing means that writes only where it is given a path."""
    return _CALLS._replace(argument=at, word=word, condition=f"text:{at}/{word}")


_OF_PATH_READS = _READS._replace(argument=RECEIVER, word="")
_OF_PATH_WRITES = _WRITES._replace(argument=RECEIVER, word="", called=True)
_OF_PATH_REMOVES = _OF_PATH_WRITES._replace(does="removes files")
_OF_PATH_LISTS = _OF_PATH_READS._replace(does="looks what files there are")
_OF_PATH_OPENS = _OF_PATH_WRITES._replace(condition="mode:0/mode", otherwise=_OF_PATH_READS)
#: What may be a path, and may be a member of an archive or a page of a book.
_METHOD_OPENS = _OF_PATH_WRITES._replace(condition="writes:0/mode")
#: A method of that name may be anybody's; with a path it is a frame's.
_PLACED = _CALLS._replace(condition="place:0", word="")
_DATABASE = _WRITES._replace(
    does="opens a database file",
    word="database",
    condition="unless:0/database=:memory:|file::memory:",
    called=True,
)

TABLE: Table = (
    (
        _opens(1),
        """
        builtins.open io.open io.FileIO tarfile.TarFile zipfile.ZipFile zipfile.PyZipFile
        aiofiles.open anyio.open_file trio.open_file pandas.io.common.get_handle
        """,
    ),
    (_opens(1, "filename"), "codecs.open gzip.open bz2.open lzma.open bz2.BZ2File lzma.LZMAFile"),
    (
        _opens(1, "filename"),
        "gzip.GzipFile compression.gzip.open compression.zstd.open zstandard.open",
    ),
    (
        _opens(1, "filename"),
        "compression.lzma.open compression.bz2.open backports.zstd.open lz4.frame.open",
    ),
    (_opens(1, "name"), "tarfile.open tarfile.TarFile.gzopen"),
    (_opens(1, "f"), "wave.open aifc.open sunau.open soundfile.SoundFile"),
    (_opens(1, "filename"), "netCDF4.Dataset tables.open_file"),
    (_opens(1, "name"), "h5py.File zarr.open"),
    (
        _CALLS._replace(condition="flags:1/flags", otherwise=_READS),
        "os.open",
    ),
    (_READS._replace(word=""), "io.open_code tokenize.open fileinput.input"),
    (
        _READS._replace(word="filename"),
        """
        linecache: getline getlines updatecache
        fileinput: FileInput
        configparser: ConfigParser().read RawConfigParser().read
        mimetypes: init read_mime_types
        cv2: imread
        numpy: fromfile memmap
        lxml.etree.parse
        xml.etree.ElementTree: parse iterparse
        xml.dom: minidom.parse pulldom.parse
        xml.sax: parse
        plistlib.readPlist
        toml.load
        scipy.io: loadmat wavfile.read
        librosa.load
        geopandas.read_file
        filecmp: cmp cmpfiles dircmp
        """,
    ),
    # These read lines or an open file as readily as what a path names.
    (_READS._replace(word="fname", condition="text:0/fname"), "numpy: loadtxt genfromtxt"),
    (_READS._replace(word="fp", condition="text:0/fp"), "PIL.Image: open"),
    (
        _READS._replace(condition="text:0"),
        """
        soundfile.read openpyxl.load_workbook docx.Document pptx.Presentation fitz.open
        pymupdf.open pdfplumber.open pypdf.PdfReader PyPDF2.PdfReader xlrd.open_workbook
        """,
    ),
    (
        _LISTS,
        """
        os: listdir scandir walk fwalk listdrives listvolumes listmounts
        glob: glob iglob glob0 glob1
        """,
    ),
    (_READS, "os: readlink getxattr listxattr pread read"),
    (
        _WRITES,
        """
        os: mkdir makedirs mkfifo mknod truncate
        shutil: chown
        """,
    ),
    (_WRITES._replace(argument=1, word="dst"), "os: link symlink rename renames replace"),
    (
        _REMOVES,
        """
        os: remove unlink rmdir removedirs
        send2trash.send2trash
        """,
    ),
    (
        _TREE,
        """
        shutil: rmtree _rmtree_unsafe _rmtree_safe_fd
        aioshutil.rmtree distutils.dir_util.remove_tree
        """,
    ),
    (
        _CHANGES,
        """
        os: chmod chown lchown lchmod fchmod fchown utime setxattr removexattr chflags lchflags
        """,
    ),
    (
        _TARGET,
        """
        shutil: copy copy2 copyfile copytree move copymode copystat
        distutils.file_util: copy_file move_file
        distutils.dir_util: copy_tree mkpath
        aioshutil: copy copy2 copytree move
        """,
    ),
    (_CALLS._replace(argument=1, word="extract_dir"), "shutil.unpack_archive"),
    (_CALLS._replace(argument=1, word="out_file"), "uu.decode uu.encode"),
    (_CALLS._replace(argument=1, word=""), "shutil._unpack_zipfile shutil._unpack_tarfile"),
    (_CALLS._replace(argument=0, word=""), "shutil._make_tarball shutil._make_zipfile"),
    (
        _CALLS._replace(word="base_name"),
        "shutil.make_archive zipfile.main tarfile.main zipapp.create_archive",
    ),
    (
        _CALLS._replace(does="unpacks files", word="path"),
        """
        zipfile.ZipFile().extractall tarfile.open().extractall tarfile.TarFile().extractall
        py7zr.SevenZipFile().extractall rarfile.RarFile().extractall
        *.extractall
        """,
    ),
    (
        _CALLS._replace(does="unpacks files", argument=1, word="path"),
        """
        zipfile.ZipFile().extract tarfile.open().extract tarfile.TarFile().extract
        """,
    ),
    (
        _TEMPORARY,
        """
        tempfile: NamedTemporaryFile mkstemp mkdtemp mktemp TemporaryDirectory TemporaryFile
        tempfile: SpooledTemporaryFile
        os: memfd_create
        """,
    ),
    (
        _WRITES._replace(word="filename"),
        """
        logging: FileHandler
        logging.handlers: RotatingFileHandler TimedRotatingFileHandler WatchedFileHandler
        logging.handlers: BaseRotatingHandler
        dbm dbm: open gnu.open ndbm.open dumb.open whichdb sqlite3.open
        py_compile: compile main
        compileall: compile_dir compile_file compile_path
        readline: write_history_file append_history_file
        mailbox: Maildir mbox MH Babyl MMDF
        trace.CoverageResults().write_results
        cProfile.Profile().dump_stats
        tinydb.TinyDB lmdb.open plyvel.DB unqlite leveldb rocksdb
        xlsxwriter.Workbook
        loguru.logger.add
        tracemalloc.Snapshot().dump
        """,
    ),
    (
        _CALLS._replace(condition="given:filename", argument=None, word="filename"),
        "logging.basicConfig",
    ),
    (
        _DATABASE,
        "sqlite3.connect sqlite3.Connection aiosqlite.connect duckdb.connect apsw.Connection",
    ),
    (_OF_PATH_READS, "pathlib.Path(): read_text read_bytes"),
    (_OF_PATH_LISTS, "pathlib.Path(): iterdir glob rglob walk"),
    (
        _OF_PATH_WRITES,
        """
        pathlib.Path(): write_text write_bytes touch mkdir symlink_to hardlink_to chmod lchmod
        pathlib.Path(): link_to
        """,
    ),
    (
        _TARGET._replace(argument=0, word="target", called=True),
        "pathlib.Path(): rename replace copy copy_into move move_into",
    ),
    (_OF_PATH_REMOVES, "pathlib.Path(): unlink rmdir"),
    (_OF_PATH_OPENS, "pathlib.Path(): open"),
    (_OF_PATH_READS, "*.read_text *.read_bytes"),
    (_OF_PATH_LISTS, "*.iterdir *.rglob"),
    (
        _OF_PATH_WRITES,
        "*.write_text *.write_bytes *.symlink_to *.hardlink_to *.mkdir *.rmdir *.lchmod",
    ),
    # Lists that are linked have a method of that name too.
    (_OF_PATH_REMOVES._replace(severity="medium"), "*.unlink"),
    (_METHOD_OPENS, "*.open"),
    (
        _either("filepath_or_buffer"),
        """
        pandas: read_csv read_table read_fwf read_stata read_sas read_spss
        polars: read_csv
        """,
    ),
    (_either("path_or_buf"), "pandas.read_json pandas.read_hdf"),
    (_either("path_or_buffer"), "pandas.read_xml"),
    (_either("io"), "pandas.read_excel pandas.read_html pandas.ExcelFile"),
    (_either("path"), "pandas.read_parquet pandas.read_feather pandas.read_orc"),
    (
        _either("source"),
        "polars: read_parquet scan_csv scan_parquet read_json read_ipc scan_ndjson",
    ),
    (_either("uri"), "imageio: imread v3.imread v2.imread"),
    (_either("fname"), "matplotlib.image.imread matplotlib.pyplot.imread skimage.io.imread"),
    (
        _URL._replace(word="con", argument=1, condition="url:1/con"),
        "pandas: read_sql read_sql_query read_sql_table",
    ),
    (
        _given("path_or_buf"),
        """
        pandas: DataFrame().to_csv DataFrame().to_json DataFrame().to_html DataFrame().to_latex
        pandas: DataFrame().to_xml DataFrame().to_hdf
        """,
    ),
    (
        _given("path"),
        """
        pandas: DataFrame().to_parquet DataFrame().to_pickle DataFrame().to_feather
        pandas: DataFrame().to_orc DataFrame().to_stata
        """,
    ),
    (
        _PLACED,
        "*.to_csv *.to_parquet *.to_pickle *.to_feather *.to_hdf *.to_orc *.to_stata *.to_excel",
    ),
    (_given("excel_writer"), "pandas.DataFrame().to_excel"),
    (_given("buf"), "pandas: DataFrame().to_markdown DataFrame().to_string"),
    (_given("fname"), "*.savefig matplotlib.pyplot.savefig matplotlib.pyplot.imsave"),
    (_given("file"), "numpy: save savez savez_compressed\nplotly.io: write_html write_image"),
    (_given("fname"), "numpy.savetxt"),
    (_given("path"), "pandas.ExcelWriter polars.DataFrame().write_csv"),
    (_given("file"), "polars: DataFrame().write_parquet DataFrame().write_json"),
    (
        _given("fp"),
        """
        PIL.Image: Image().save
        """,
    ),
    (
        _given("filename"),
        """
        cv2: imwrite VideoWriter
        openpyxl: Workbook().save load_workbook().save
        docx: Document().save
        pptx: Presentation().save
        imageio: imwrite mimsave
        soundfile.write scipy.io.wavfile.write scipy.io.savemat
        reportlab.pdfgen.canvas.Canvas
        fpdf.FPDF().output
        xlwt.Workbook().save
        """,
    ),
    (
        _given("file_or_filename"),
        """
        xml.etree.ElementTree: ElementTree().write parse().write
        lxml.etree: ElementTree().write parse().write
        """,
    ),
    (
        None,
        """
        *.str xml.dom.minidom.parseString() xml.dom.minidom.parse() xml.dom.minidom.Document()
        importlib.resources.files() importlib.resources.as_file() importlib.metadata.files()
        zipfile.Path()
        io.StringIO() io.BytesIO() io.TextIOWrapper()
        dbm.error
        mailbox.Message mailbox.mboxMessage mailbox.Error
        logging: StreamHandler NullHandler handlers.QueueHandler handlers.MemoryHandler
        logging.handlers.QueueListener
        sqlite3: Row Error OperationalError IntegrityError DatabaseError ProgrammingError Binary
        sqlite3: PARSE_DECLTYPES PARSE_COLNAMES register_adapter register_converter version
        tarfile: TarInfo ReadError TarError is_tarfile
        zipfile: ZipInfo BadZipFile is_zipfile ZIP_DEFLATED ZIP_STORED
        """,
    ),
)
