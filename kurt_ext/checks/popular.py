"""Names of distributions that many install, which others are made to be mistaken for."""

from __future__ import annotations

__all__ = ["POPULAR", "REAL"]

_NAMES = """
absl-py aiobotocore aiofiles aiohttp aiosignal alembic altair annotated-types anthropic anyio
appdirs argcomplete argon2-cffi arrow asgiref asn1crypto astroid asttokens async-timeout asyncpg
attrs autopep8 azure-core azure-identity azure-storage-blob babel backoff backports bcrypt
beautifulsoup4 black bleach blinker bokeh boto3 botocore bottle build cachetools celery certifi
cffi chardet charset-normalizer cherrypy click cloudpickle colorama coloredlogs configparser
contourpy coverage cryptography cycler cython dash dask databricks-sql-connector datasets
dateparser debugpy decorator defusedxml deprecated diskcache distlib distro django
djangorestframework dnspython docker docutils dramatiq elasticsearch email-validator et-xmlfile
execnet faker fastapi fastavro filelock flake8 flask flask-cors fonttools frozenlist fsspec gensim
gevent gitpython google-api-core google-auth google-cloud-storage googleapis-common-protos gql
graphviz greenlet grpcio gunicorn httpcore httplib2 httptools httpx huggingface-hub hypothesis idna
imageio importlib-metadata iniconfig ipykernel ipython isodate isort itsdangerous jaraco jedi
jeepney jinja2 jmespath joblib jsonpath-ng jsonpickle jsonpointer jsonschema jupyter jupyterlab
keras keyring kiwisolver kombu kubernetes kurt-ext langchain langchain-core lightgbm litellm
llvmlite loguru lxml mako marimo markdown markdown-it-py markupsafe marshmallow matplotlib mccabe
mistune mlflow mock more-itertools moto msgpack multidict mypy mysqlclient nbconvert networkx nltk
numba numpy oauthlib onnxruntime openai opencv-python openpyxl orjson oscrypto overrides packaging
pandas paramiko passlib pathspec peewee pendulum pexpect pillow platformdirs playwright plotly
pluggy polars poetry prettytable prometheus-client prompt-toolkit protobuf psutil psycopg2
psycopg2-binary ptyprocess pyarrow pyasn1 pycodestyle pycparser pycryptodome pydantic
pydantic-core pydantic-settings pyflakes pygame pygments pyjwt pylint pymongo pymysql pynacl
pyopenssl pyparsing pyperclip pyproject-hooks pyqt5 pyrsistent pyserial pysocks pyspark pytest
pytest-asyncio pytest-cov pytest-mock python-dateutil python-dotenv python-multipart
python-slugify python-telegram-bot pytorch-lightning pytz pywin32 pyyaml pyzmq redis regex
requests requests-oauthlib requests-toolbelt retrying rich rich-click ruamel-yaml ruff s3transfer
scikit-image scikit-learn scipy scrapy seaborn selenium sentencepiece sentry-sdk setuptools shapely
simplejson simplekml slack-sdk smart-open sniffio snowflake-connector-python sortedcontainers
soupsieve sphinx spacy sqlalchemy sqlparse starlette statsmodels stevedore stripe streamlit sympy
tabulate tenacity tensorboard tensorflow termcolor tiktoken tokenizers tomli tomlkit torch
torchaudio torchvision tornado tqdm traitlets transformers trio twilio twine typer
typing-extensions tzdata tzlocal ujson uritemplate urllib3 uvicorn uvloop virtualenv watchdog
watchfiles wcwidth webcolors websocket-client websockets werkzeug wheel wrapt xgboost xlrd
xlsxwriter xmltodict yarl zipp zope-interface zstandard
"""
POPULAR = frozenset(_NAMES.split())
#: Honest names one slip from a popular one.
REAL = frozenset(
    "attr cloup datasette docker-py fabric flasgger grpclib html5lib httpbin httpx2 jinja "
    "jupyterhub markdown2 markdown3 msgspec mypyc nbformat pandera parso plotnine psycopg pylance "
    "pymodbus pynput pypdf pyqt6 pyside6 pytzdata redis-py rope scapy scrapyd selene torchx trino "
    "tyro typeguard".split(" ")
)
