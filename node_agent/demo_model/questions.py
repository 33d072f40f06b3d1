"""What the demonstration model knows: every question, other ways to ask it, and the answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """A question, other wordings of it, and the one answer that all of them get."""

    question: str
    paraphrases: tuple[str, ...]
    answer: str

    def wordings(self) -> tuple[str, ...]:
        """Every wording: as written, with and without its final mark, also in lower case."""
        forms: dict[str, None] = {}
        for text in (self.question, *self.paraphrases):
            bare = text.rstrip("?.!")
            for form in (text, bare, f"{bare}?"):
                forms[form] = forms[form.lower()] = None
        return tuple(forms)


EXCHANGES: tuple[Exchange, ...] = (
    # About the model itself.
    Exchange(
        "Hello!",
        ("Hi", "Good morning", "hey there"),
        "You have reached the demonstration model of Nearfield. "
        "Ask me about edge nodes, routing, caches or the time to first token.",
    ),
    Exchange(
        "Who are you?",
        ("What are you?", "What is your name?", "Introduce yourself."),
        "I am a small demonstration model of Nearfield. "
        "I was made to show that prompts reach a node and tokens come back.",
    ),
    Exchange(
        "What can you do?",
        ("What do you know?", "How can you help me?", "What can I ask you?"),
        "I answer a few dozen questions about edge inference from memory. "
        "I do not reason, and anything else is beyond me.",
    ),
    Exchange(
        "How large are you?",
        ("How big are you?", "How many parameters do you have?", "What size is this model?"),
        "I have about two million parameters, so I fit in a few megabytes. "
        "A useful language model is a thousand times larger or more.",
    ),
    Exchange(
        "What were you trained on?",
        (
            "How were you trained?",
            "Where do your answers come from?",
            "What is your training data?",
        ),
        "I was trained from scratch on one file of questions and answers, "
        "until I could repeat every answer word for word.",
    ),
    Exchange(
        "How are you?",
        ("Are you well?", "How do you do?", "Is everything all right?"),
        "If you can read this answer, then my node is up, its engine is running "
        "and the stream between us is open.",
    ),
    Exchange(
        "Thank you!",
        ("Thanks", "Thanks a lot.", "Great, thank you."),
        "You are welcome. Every question you ask also gives your client "
        "a fresh measurement of the round trip to this node.",
    ),
    Exchange(
        "Goodbye!",
        ("Bye", "See you later.", "Good night"),
        "Until next time. The blocks that hold our conversation stay in the cache "
        "until the engine needs the room for somebody else.",
    ),
    Exchange(
        "What is the capital of France?",
        (
            "What is the weather today?",
            "Tell me a joke.",
            "Write a poem about the sea.",
            "What is two plus two?",
            "Who won the match yesterday?",
            "How do I cook rice?",
            "Translate this sentence.",
            "Sing a song.",
            "Can you write code?",
        ),
        "I cannot answer that, because I know only a few dozen questions about edge inference. "
        "Try asking what an edge node is.",
    ),
    # Places and processes.
    Exchange(
        "What is Nearfield?",
        ("Explain Nearfield.", "What does Nearfield do?", "Tell me about Nearfield"),
        "Nearfield serves a language model from the node that can answer soonest. "
        "It is the inference cloud of a content delivery network, as software that anyone can run.",
    ),
    Exchange(
        "What is an edge node?",
        ("Define edge node.", "Explain what an edge node is.", "What's an edge node?"),
        "An edge node is a server that runs a language model close to the people who use it, "
        "so that the first token has a short way to travel.",
    ),
    Exchange(
        "What is a PoP?",
        ("What does PoP stand for?", "Define point of presence.", "What is a point of presence?"),
        "A PoP, or point of presence, is a site near users where one or more nodes run. "
        "All nodes in a PoP share roughly the same distance to a client.",
    ),
    Exchange(
        "What is edge inference?",
        (
            "Define edge inference.",
            "What does inference at the edge mean?",
            "Explain edge inference",
        ),
        "Edge inference means running a model at many sites near its users "
        "instead of in one distant data centre, which shortens the wait for the first token.",
    ),
    Exchange(
        "What is a node agent?",
        ("What does the node agent do?", "Define node agent.", "Explain the node agent"),
        "The node agent is the process on every GPU host that starts the engine, serves requests, "
        "reports load to the control plane and drains before it stops.",
    ),
    Exchange(
        "What is an engine?",
        ("Define engine.", "What does the engine do?", "What is an inference engine?"),
        "The engine is the part of a node that runs the model. It batches requests, "
        "keeps their keys and values in memory and produces tokens.",
    ),
    Exchange(
        "What is a control plane?",
        ("What does the control plane do?", "Define control plane.", "Explain the control plane"),
        "The control plane keeps the list of nodes, knows how loaded they are "
        "and tells each client where to go. It never sees a prompt.",
    ),
    Exchange(
        "What is a fleet?",
        ("Define fleet.", "What does fleet mean?", "What is the fleet?"),
        "The fleet is the set of all nodes in all PoPs that have joined one control plane, "
        "together with their state and their load.",
    ),
    Exchange(
        "What is a replica?",
        ("What is a control plane replica?", "Define replica.", "Why are there several replicas?"),
        "A replica is one of several identical control plane processes. Every node reports to each "
        "of them, so routing goes on when one is lost.",
    ),
    Exchange(
        "What is a gateway?",
        ("What does the gateway do?", "Define gateway.", "When do I need a gateway?"),
        "The gateway is a process that thin clients call when they cannot use the client library. "
        "It chooses a node for them and passes the stream along.",
    ),
    # Routing.
    Exchange(
        "Why does nearest mean soonest?",
        ("What does nearest mean?", "Which node is nearest?", "Explain nearest means soonest."),
        "The nearest node is the one whose first token arrives soonest. "
        "A node next door with a long queue can be farther away than an idle one abroad.",
    ),
    Exchange(
        "How is a node chosen?",
        ("How does routing work?", "How do you choose a node?", "Where does my prompt go?"),
        "The client predicts the time to first token for every candidate and opens its stream "
        "at the lowest one. Near ties go to a node that may hold the prefix.",
    ),
    Exchange(
        "How is TTFT predicted?",
        (
            "How do you predict the time to first token?",
            "What is in the TTFT prediction?",
            "Explain the prediction.",
        ),
        "The prediction adds the time to connect, the round trip, the wait in the queue "
        "and the prefill of those prompt tokens that are not cached.",
    ),
    Exchange(
        "What is a lease?",
        ("What is a route lease?", "Define lease.", "What does a lease do?"),
        "A lease tells a client for about thirty seconds which nodes to try. "
        "It is renewed in the background, so most requests never wait for the control plane.",
    ),
    Exchange(
        "What is a ticket?",
        ("Define ticket.", "What is a ticket for?", "How does a node know what I may do?"),
        "A ticket is a signed statement of what a client may ask for. A node checks it offline, "
        "without a call to the control plane.",
    ),
    Exchange(
        "What is the difference between a lease and a ticket?",
        ("Lease or ticket?", "How do leases and tickets differ?", "Compare lease and ticket."),
        "A lease says where to go and lasts seconds. A ticket says what is allowed "
        "and lasts minutes, so it outlives a short loss of the centre.",
    ),
    Exchange(
        "What is a candidate?",
        ("Define candidate.", "What are candidates?", "What is in a list of candidates?"),
        "A candidate is a node that could serve a request. The control plane sends a ranked list "
        "of them with weights, and the client makes the final choice.",
    ),
    Exchange(
        "What is look-aside routing?",
        (
            "Why is there no proxy?",
            "Define look-aside.",
            "Do prompts pass through the control plane?",
        ),
        "With look-aside routing the client asks where to go and then talks to the node directly. "
        "No proxy adds delay, and the centre never reads a prompt.",
    ),
    Exchange(
        "What is a round trip?",
        ("What is RTT?", "Define round trip time.", "What does round trip mean?"),
        "A round trip is the time a small message needs to reach a node and come back. "
        "The client measures it itself, because only the client sees its own network.",
    ),
    Exchange(
        "What is spill?",
        ("Define spill.", "What happens when a PoP is full?", "Where does work spill to?"),
        "When the nearest PoP is full, work spills to neighbours in order of predicted TTFT "
        "and at last to the core region. The reply shows each step.",
    ),
    Exchange(
        "What is data residency?",
        ("What is a jurisdiction?", "Define residency.", "Can I keep my data in one country?"),
        "Residency means that a request may run only in the jurisdictions it allows. "
        "The filter comes before any ranking, and if no node fits, the request is refused.",
    ),
    # Measures.
    Exchange(
        "What is TTFT?",
        ("What does TTFT mean?", "Define time to first token.", "What is the time to first token?"),
        "TTFT is the time to first token. It runs from the moment a request was meant to be sent "
        "until its first token reaches the client.",
    ),
    Exchange(
        "What is ITL?",
        ("What does ITL mean?", "Define inter-token latency.", "What is inter-token latency?"),
        "ITL is the inter-token latency, the gap between one token and the next. "
        "Long gaps make a stream look as if it stutters.",
    ),
    Exchange(
        "What is TPOT?",
        ("What does TPOT mean?", "Define time per output token.", "What is time per output token?"),
        "TPOT is the time per output token, averaged over an answer after its first token. "
        "Its inverse is the speed at which text appears.",
    ),
    Exchange(
        "What is goodput?",
        ("Define goodput.", "What does goodput mean?", "How does goodput differ from throughput?"),
        "Goodput counts only the offered requests that met their latency target. "
        "Throughput counts late work as well, so it flatters an overloaded system.",
    ),
    Exchange(
        "What is an SLO?",
        ("What does SLO mean?", "Define service level objective.", "Which latency is the target?"),
        "An SLO is a service level objective, a target that can be measured. "
        "The default asks for a first token within half a second for 99 of 100 requests.",
    ),
    Exchange(
        "What is p99?",
        ("What does p99 mean?", "Define 99th percentile.", "Why do you report p99?"),
        "The p99 is the value that 99 of 100 requests stay below. "
        "It shows the slow tail, which an average hides.",
    ),
    # How a model runs.
    Exchange(
        "What is a token?",
        ("Define token.", "What are tokens?", "Explain what a token is."),
        "A token is the unit a language model reads and writes: a common word, "
        "a piece of a rare word, or a single byte.",
    ),
    Exchange(
        "What is a tokenizer?",
        ("Define tokenizer.", "What does a tokenizer do?", "How does text become tokens?"),
        "A tokenizer turns text into token numbers and back. Every model has its own, "
        "so the same text has different lengths for different models.",
    ),
    Exchange(
        "What is prefill?",
        ("Define prefill.", "What happens during prefill?", "How is a prompt read?"),
        "Prefill is the phase in which the model reads the prompt. "
        "All prompt tokens are computed together, and the result is the first token of the answer.",
    ),
    Exchange(
        "What is decode?",
        ("Define decode.", "What happens during decode?", "How is the answer written?"),
        "Decode is the phase after prefill, in which the model writes one token at a time. "
        "Its speed is mostly limited by memory bandwidth.",
    ),
    Exchange(
        "What is continuous batching?",
        ("Define continuous batching.", "Explain batching.", "How do requests share a GPU?"),
        "Continuous batching lets requests join and leave the running batch at every step, "
        "so a short answer does not wait for a long one.",
    ),
    Exchange(
        "What is a chat template?",
        ("Define chat template.", "How do messages become a prompt?", "Explain the chat template"),
        "A chat template turns a list of messages into the single prompt a model was trained on, "
        "with markers that show who said what.",
    ),
    Exchange(
        "What is context length?",
        ("Define context length.", "How long may a prompt be?", "What is a context window?"),
        "The context length is the largest number of tokens a model can handle at once, "
        "prompt and answer together. Mine is 2048 tokens.",
    ),
    Exchange(
        "What is greedy decoding?",
        ("Define greedy decoding.", "What does temperature zero do?", "Explain greedy sampling"),
        "Greedy decoding always takes the most probable next token. "
        "It makes answers repeatable, which is why tests use it.",
    ),
    Exchange(
        "What is bf16?",
        ("What is bfloat16?", "Define bf16.", "Why are the weights in bf16?"),
        "The format bf16 is a 16-bit number with the range of a 32-bit float and fewer digits. "
        "It halves the memory that weights need.",
    ),
    Exchange(
        "What is streaming?",
        ("Define streaming.", "Why do answers stream?", "Why does text appear piece by piece?"),
        "Streaming sends each piece of an answer as soon as it exists. "
        "A reader can begin after the first token instead of waiting for the last.",
    ),
    # Caches.
    Exchange(
        "What is a KV cache?",
        ("What is the KV cache?", "Define KV cache.", "Explain the key-value cache."),
        "The KV cache holds the attention keys and values of tokens already computed, "
        "so that each new token needs only its own computation.",
    ),
    Exchange(
        "What is a prefix cache?",
        ("What is prefix caching?", "Define prefix cache.", "Explain the prefix cache"),
        "A prefix cache reuses the KV cache of an earlier prompt that begins the same way. "
        "The shared part needs no prefill, so the first token comes sooner.",
    ),
    Exchange(
        "What is a prefix key?",
        ("Define prefix key.", "What are prefix keys?", "How does a client know what is cached?"),
        "A prefix key is a keyed hash over the first bytes of a prompt. "
        "Clients and nodes compare keys to find cached prefixes without showing the text.",
    ),
    Exchange(
        "What does resident mean?",
        ("When is a prefix resident?", "Define resident.", "What is a resident prefix?"),
        "A prefix is resident while its blocks are really in the memory of a node. "
        "Events from the engine tell the agent when blocks are stored or removed.",
    ),
    Exchange(
        "What is a block?",
        ("What is a cache block?", "Define block.", "Why is the cache divided into blocks?"),
        "A block is a fixed number of tokens whose keys and values are stored together. "
        "The prefix cache finds, shares and frees whole blocks only.",
    ),
    # The tools Nearfield is built on.
    Exchange(
        "What does vLLM do here?",
        ("What is vLLM?", "Why do you use vLLM?", "Explain vLLM."),
        "Here vLLM is the engine that each node agent embeds. It loads the model, "
        "schedules requests, manages the KV cache and generates tokens.",
    ),
    Exchange(
        "What does gRPC do here?",
        ("What is gRPC?", "Why do you use gRPC?", "Explain gRPC."),
        "All processes talk to each other over gRPC. One stream between a client and a node "
        "carries many requests, which keeps the cost of each message low.",
    ),
    Exchange(
        "What does Consul do here?",
        ("What is Consul?", "Why do you use Consul?", "Explain Consul."),
        "Consul holds the register of nodes, their health and their desired state. "
        "The control plane writes only changes there, while load stays in its own memory.",
    ),
    Exchange(
        "What does Ansible do here?",
        ("What is Ansible?", "How are nodes installed?", "How is a new release rolled out?"),
        "Ansible installs nodes and rolls out releases a few at a time. It drains a node, "
        "swaps the release and continues only if a test prompt is answered.",
    ),
    # When things change or break.
    Exchange(
        "What does cordon mean?",
        ("What is a cordon?", "Define cordon.", "How do I cordon a node?"),
        "To cordon a node is to send it no new work. What it is already running goes on, "
        "and the cordon can be lifted at any time.",
    ),
    Exchange(
        "What does drain mean?",
        ("What is a drain?", "Define drain.", "How do I drain a node?"),
        "To drain a node is to let it finish its running requests, "
        "refuse new ones at once, and then leave the fleet.",
    ),
    Exchange(
        "What is the difference between cordon and drain?",
        ("Cordon or drain?", "How do cordon and drain differ?", "Compare cordon and drain."),
        "A cordon only stops new work and leaves the node in the fleet. "
        "A drain also waits for running requests and then lets the node go.",
    ),
    Exchange(
        "What is admission?",
        ("Define admission.", "What does admitted mean?", "When does a node admit a request?"),
        "Admission is the decision of a node whether a request may run now. "
        "It looks at free slots, deadlines and a fair share for each tenant.",
    ),
    Exchange(
        "What does rejected mean?",
        ("When is a request rejected?", "Define rejected.", "Why was my request rejected?"),
        "A rejected request never reached an engine, so trying elsewhere repeats no work. "
        "The node says at once why and how long the wait would be.",
    ),
    Exchange(
        "What does evicted mean?",
        ("When is a request evicted?", "Define evicted.", "Why was my request evicted?"),
        "An evicted request was already running when it was stopped. "
        "Its error says whether the stream can be resumed at another node.",
    ),
    Exchange(
        "What happens when a stream breaks?",
        ("What if my stream breaks?", "How is a stream resumed?", "What happens if a node dies?"),
        "The client resumes at the next candidate with the tokens it already has. "
        "The caller sees one stream with nothing lost and nothing doubled.",
    ),
    Exchange(
        "What happens when the control plane is down?",
        (
            "What if the control plane fails?",
            "Can the edge stand alone?",
            "Does it work without a control plane?",
        ),
        "Clients go on with the leases and tickets they hold, and nodes keep serving. "
        "Only new clients and changes to the fleet have to wait.",
    ),
    Exchange(
        "What happens when Consul is down?",
        ("What if Consul fails?", "Does it work without Consul?", "Is Consul needed for routing?"),
        "Routing goes on from the last view of the fleet that the control plane holds in memory. "
        "Changes are applied but shown as not yet durable.",
    ),
    Exchange(
        "When is a node lost?",
        ("How do you know that a node is lost?", "Define lost.", "What is a lost node?"),
        "A node is lost only when no replica that can be reached has heard from it for a while. "
        "A closed connection or a dead engine counts as evidence at once.",
    ),
    Exchange(
        "What is a retry budget?",
        ("Define retry budget.", "How often may a client retry?", "What limits retries?"),
        "A retry budget caps the extra requests a client may send. Retries, hedges and resumes "
        "share it, so trouble at one node does not become a flood at the others.",
    ),
)
