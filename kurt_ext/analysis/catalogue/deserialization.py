"""What makes objects out of data that can name any code to run."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_RUNS = Meaning(
    *("deserialization", "critical", "", "makes objects of data that may run any code"),
    factor="dangerous",
    subject="",
    argument=0,
)
_FILE = _RUNS._replace(subject="path")
_HIGH = _RUNS._replace(severity="high", condition="if:allow_pickle=True", called=True)
_READS = Meaning(
    *("sensitive_read", "medium", "filesystem_read", "reads a file", "", "path", 0, "file", True),
    condition="text:0/file",
)
_YAML = "unless:1/Loader=SafeLoader|CSafeLoader|BaseLoader|CBaseLoader"
_OF_TORCH = _FILE._replace(word="f", condition="unless:weights_only=True")

TABLE: Table = (
    (
        _RUNS,
        """
        pickle
        pickle: load loads Unpickler
        _compat_pickle
        cPickle
        dill cloudpickle
        dill: load loads Unpickler load_session load_module load_module_asdict
        cloudpickle: load loads
        marshal marshal: load loads
        jsonpickle jsonpickle: decode loads unpickler.Unpickler unpickler.decode
        pickle5 hickle klepto
        multiprocessing: reduction reduction.ForkingPickler connection.Client connection.Listener
        multiprocessing: managers managers.BaseManager Manager
        multiprocessing.connection
        pkgutil.read_code
        copyreg copyreg: constructor add_extension
        copyreg: _reconstructor __newobj__ __newobj_ex__
        yaml: unsafe_load unsafe_load_all UnsafeLoader CUnsafeLoader Loader CLoader
        yaml: constructor.UnsafeConstructor constructor.Constructor
        ruamel.yaml: unsafe_load
        srsly.pickle_loads
        django.core.signing.PickleSerializer
        sklearn.externals.joblib
        """,
    ),
    (
        _RUNS._replace(severity="high"),
        """
        yaml: full_load full_load_all FullLoader CFullLoader add_constructor add_multi_constructor
        pyarrow: deserialize
        """,
    ),
    (_RUNS._replace(condition=_YAML), "yaml: load load_all"),
    (_RUNS._replace(condition="text:0", severity="high"), "pstats.Stats"),
    (
        _RUNS._replace(condition="if:0/typ=unsafe"),
        "ruamel.yaml.YAML",
    ),
    (
        _RUNS._replace(
            condition="unless:1/Loader=SafeLoader|CSafeLoader|BaseLoader|RoundTripLoader"
        ),
        "ruamel.yaml: load load_all",
    ),
    (
        _FILE._replace(word="filename"),
        """
        shelve shelve: open Shelf DbfilenameShelf BsdDbShelf
        joblib: load numpy_pickle.load numpy_pickle_utils
        joblib
        pandas: read_pickle compat.pickle_compat
        diskcache
        diskcache: Cache FanoutCache Deque Index
        sklearn.utils._joblib.load
        skops.io.load
        keras.models.load_model tensorflow.keras.models.load_model
        tensorflow.saved_model.load
        mlflow.pyfunc.load_model
        xgboost.XGBModel().load_model
        statsmodels.iolib.smpickle.load_pickle
        networkx.read_gpickle
        gensim.utils.unpickle
        spacy.util.load_model_from_path
        """,
    ),
    (_OF_TORCH, "torch: load hub.load jit.load package.PackageImporter serialization.load"),
    (
        _RUNS._replace(
            severity="high",
            does="downloads a model that may bring code of its own",
            subject="",
            argument=None,
            condition="if:trust_remote_code=True",
            called=True,
            otherwise=Meaning(
                *("network", "high", "network_hosts", "downloads a model", "network"), called=True
            ),
        ),
        """
        transformers: pipeline AutoModel.from_pretrained AutoTokenizer.from_pretrained
        transformers: AutoConfig.from_pretrained AutoProcessor.from_pretrained
        transformers: AutoModelForCausalLM.from_pretrained AutoModelForSeq2SeqLM.from_pretrained
        transformers: AutoModelForSequenceClassification.from_pretrained
        transformers: AutoModelForTokenClassification.from_pretrained
        transformers: AutoFeatureExtractor.from_pretrained AutoImageProcessor.from_pretrained
        transformers: PreTrainedModel.from_pretrained dynamic_module_utils
        datasets: load_dataset
        sentence_transformers: SentenceTransformer CrossEncoder
        *.from_pretrained
        """,
    ),
    (
        _HIGH._replace(argument=0, word="file", subject="path", otherwise=_READS),
        "numpy: load lib.npyio.load lib.format.open_memmap",
    ),
    (
        _HIGH._replace(condition="if:2/allow_pickle=True", otherwise=None),
        "numpy: lib.format.read_array lib.format.read_array_header_1_0",
    ),
    (
        None,
        """
        pickle: PickleError PicklingError UnpicklingError HIGHEST_PROTOCOL DEFAULT_PROTOCOL
        pickle: dump dumps Pickler PickleBuffer _dump _dumps
        pickletools
        dill: dump dumps PicklingError UnpicklingError Pickler settings HIGHEST_PROTOCOL
        cloudpickle: dump dumps CloudPickler Pickler DEFAULT_PROTOCOL
        marshal: dump dumps version
        jsonpickle: encode dumps pickler
        joblib: hash delayed cpu_count effective_n_jobs logger wrap_non_picklable_objects
        copyreg: dispatch_table
        yaml: safe_load safe_load_all SafeLoader CSafeLoader YAMLError
        multiprocessing.connection: wait
        """,
    ),
    (
        Meaning(
            *("fs_write", "high", "filesystem_write", "writes a file", "write", "path", 1),
            word="filename",
            called=True,
        ),
        "joblib.dump torch.save",
    ),
)
