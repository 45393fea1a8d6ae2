"""Names of distributions that many install, which others are made to be mistaken for."""

from __future__ import annotations

__all__ = ["POPULAR", "REAL"]

#: The most downloaded of PyPI, and what a project of another kind would name besides.
_POPULAR = """
absl-py aiobotocore aiofiles aiohappyeyeballs aiohttp aioitertools aiosignal alembic altair
annotated-doc annotated-types anthropic anyio appdirs argcomplete argon2-cffi arrow asgiref
asn1crypto astroid asttokens async-timeout asyncpg attrs authlib autopep8 awscli azure-core
azure-identity azure-storage-blob babel backoff bcrypt beautifulsoup4 black bleach blinker bokeh
boto3 botocore bottle build cachecontrol cachetools celery certifi cffi cfgv chardet
charset-normalizer click cloudpickle colorama coloredlogs configparser contourpy coverage
cryptography cycler cyclopts cython dash dask databricks-sdk databricks-sql-connector datasets
dateparser dbt-adapters dbt-core debugpy decorator defusedxml deprecated dill diskcache distlib
distro django djangorestframework dnspython docker docstring-parser docutils dramatiq dulwich
durationpy editables elasticsearch email-validator et-xmlfile exceptiongroup execnet executing
faker fastapi fastavro fastjsonschema filelock flake8 flask flask-cors flatbuffers fonttools
frozenlist fsspec gcsfs gensim gevent gitdb gitpython google-analytics-admin google-api-core
google-api-python-client google-auth google-auth-httplib2 google-auth-oauthlib
google-cloud-aiplatform google-cloud-batch google-cloud-bigquery google-cloud-bigtable
google-cloud-compute google-cloud-core google-cloud-dlp google-cloud-kms google-cloud-logging
google-cloud-monitoring google-cloud-pubsub google-cloud-secret-manager google-cloud-speech
google-cloud-storage google-cloud-tasks google-cloud-texttospeech google-crc32c google-genai
google-resumable-media googleapis-common-protos gql graphviz greenlet grpc-google-iam-v1 grpcio
grpcio-health-checking grpcio-status gunicorn h11 h2 hatchling hf-xet hpack httpcore
httplib2 httptools httpx httpx-sse huggingface-hub hyperframe hypothesis identify idna imageio
importlib-metadata importlib-resources iniconfig installer ipykernel ipython isodate isort
itsdangerous jaraco-classes jaraco-context jaraco-functools jedi jeepney jellyfish jinja2 jiter
jmespath joblib joserfc jsonpatch jsonpath-ng jsonpickle jsonpointer jsonschema jsonschema-path
jsonschema-specifications jupyter jupyter-core jupyterlab keras keyring kiwisolver kombu
kubernetes kurt-ext langchain langchain-core langsmith librt lightgbm litellm llama-cloud-services
llama-parse llvmlite loguru lxml lz4 mako marimo markdown markdown-it-py markupsafe marshmallow
matplotlib matplotlib-inline mccabe mcp mdit-py-plugins mdurl mistune mlflow mock more-itertools
moto mpmath msal msal-extensions msgpack msrest multidict multiprocess mypy mypy-extensions
mysqlclient narwhals nbconvert nest-asyncio networkx nltk nodeenv numba numpy oauthlib onnxruntime
openai opencv-python openpyxl opentelemetry-api opentelemetry-exporter-otlp
opentelemetry-exporter-otlp-proto-common opentelemetry-exporter-otlp-proto-grpc
opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation
opentelemetry-instrumentation-requests opentelemetry-proto opentelemetry-sdk
opentelemetry-semantic-conventions opentelemetry-util-http orjson oscrypto overrides packaging
pandas pandas-stubs paramiko parso passlib pathspec peewee pendulum pexpect pillow pip pkginfo
platformdirs playwright plotly pluggy poetry poetry-core polars pre-commit prettytable
prometheus-client prompt-toolkit propcache proto-plus protobuf psutil psycopg2 psycopg2-binary
ptyprocess pure-eval py4j pyarrow pyasn1 pyasn1-modules pycodestyle pycparser pycryptodome
pydantic pydantic-ai-slim pydantic-core pydantic-graph pydantic-settings pyee pyflakes pygame
pygments pyjwt pylint pymongo pymysql pynacl pyopenssl pyparsing pyperclip pyproject-hooks pyqt5
pyrsistent pyserial pysocks pyspark pytest pytest-asyncio pytest-cov pytest-json-ctrf pytest-mock
pytest-xdist python-dateutil python-discovery python-dotenv python-json-logger python-multipart
python-slugify python-telegram-bot pytorch-lightning pytz pywin32 pyyaml pyzmq rapidfuzz redis
referencing regex requests requests-oauthlib requests-toolbelt retrying rich rich-click
rich-toolkit rpds-py rsa ruamel-yaml ruamel-yaml-clib ruff s3fs s3transfer scikit-image
scikit-learn scipy scrapy seaborn secretstorage selenium sentencepiece sentry-sdk setuptools
setuptools-scm sglang shapely shellingham simplejson six slack-sdk smart-open smmap sniffio
snowflake-connector-python sortedcontainers soupsieve spacy sphinx sqlalchemy sqlparse
sse-starlette stack-data starlette statsmodels stevedore streamlit stripe structlog sympy tabulate
tenacity tensorboard tensorflow termcolor textual threadpoolctl tiktoken tinycss2 tokenizers toml
tomli tomlkit torch torchaudio torchvision tornado tqdm traitlets transformers tree-sitter trio
trove-classifiers twilio twine typer types-requests typing-extensions typing-inspect
typing-inspection tzdata tzlocal ujson uritemplate urllib3 uv uvicorn uvloop vcs-versioning
virtualenv watchdog watchfiles wcwidth weaviate-client webcolors webencodings websocket-client
websockets werkzeug wheel wrapt xgboost xlrd xlsxwriter xmltodict xxhash yarl ydb zipp
zope-interface zstandard
"""
#: Among PyPI's 15,000 most downloaded, those one slip from a name above: honest, and no slips.
_REAL = """
acachecontrol aiofile bpython cattrs cchardet crick ctransformers cwcwidth dataset datazets
dbt-score djongo dydantic fastai google-oauth grequests gsutil hjson httpr hyper identity ijson
ipytest isolate jiwer jsonpath kombo mocker myjwt ngboost openapi parse parsl parsy pbspark
persistent psycopg-binary psycopg-c pyaml pycryptodomex pygam pylink pymantic
pymssql pyshark pytest-csv retworkx ruamel-yaml-clibz scapy scipp scrypt simpy slack spython
tensorboardx tokenize-rt tombi tomli-w torchx tree-sitter-c unicorn usort vbuild vyper websocket
willow wsgiref x-transformers xoto3
"""
POPULAR = frozenset(_POPULAR.split())
REAL = frozenset(_REAL.split())
