namespace OneCopy.TestProcess;

/// <summary>The commands that receive and answer. What is received and not yet answered is held, the last one on top.</summary>
internal sealed partial class CrashActor
{
    private readonly byte[] _buffer = new byte[4 << 20];
    private string _message = "?";
    private bool _pullIsRefused;
    private bool _pullIsKnown;

    private string? Answer(string verb, string[] args)
    {
        switch (verb)
        {
            case "receive":
                _held.Add(Queue.Receive(s_soon));
                return "";
            case "receive-async":
                _held.Add(Queue.ReceiveAsync().AsTask().WaitAsync(s_soon).GetAwaiter().GetResult());
                return "";
            case "receive-into":
                return ReceiveInto();
            case "look":
                return Queue.TryReceive(out ReceivedMessage found) ? Keep(found) : "nothing";
            case "read":
                return Read(_held[^1]);
            case "complete":
                return End("completed", static m => m.Complete());
            case "abandon":
                return End("abandoned", static m => m.Abandon());
            case "dead-letter":
                return End("dead-lettered", static m => m.DeadLetter("as asked"));
            case "finish-held":
                return FinishHeld();
            case "take-dead":
                return TakeDead();
            default:
                throw new ArgumentException($"No command \"{verb}\" ({string.Join(' ', args)}).");
        }
    }

    /// <summary>Received, read and completed in one.</summary>
    private string ReceiveInto()
    {
        // Said as soon as it is, for who is killed after that and before it is handed out.
        CrashArm.Taken = () => _account.Add("answering", CrashAccount.Examine(_buffer.AsSpan(0, CrashAccount.HeadLength)).Message);
        int length = Queue.Receive(_buffer, s_soon);
        CrashArm.Taken = null;
        (_message, string verdict) = CrashAccount.Examine(_buffer.AsSpan(0, length));
        _account.Add("got", _message, "1", verdict, $"{CrashBoard.Now}");
        _account.Add("completed", _message);
        return "";
    }

    private string Keep(ReceivedMessage message)
    {
        _held.Add(message);
        return "";
    }

    private QueueOptions NoPull()
    {
        _pullIsRefused = true;
        return _options;
    }

    /// <summary>As if it had pulled from everybody before: then both copy what is long.</summary>
    private QueueOptions KnowPull()
    {
        _pullIsKnown = true;
        return _options;
    }

    /// <summary>As a seccomp filter would; those are for ever, and this process has other rows to come.</summary>
    private void RefusePull(ReceivedMessage message)
    {
        if (_pullIsRefused)
            message.Lease.Owner.Pull.Refuse(Interop.Errno.EPERM);
        if (_pullIsKnown)
            message.Lease.Owner.Pull.Allow();
    }

    /// <summary>The same for what this participant would write to others.</summary>
    private string? NoPush()
    {
        System.Reflection.MethodInfo find = typeof(MessageQueue).GetMethod("TryPeerAt", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!;
        for (int index = 1; index <= 16; index++)
        {
            Messaging.Peer? peer = (Messaging.Peer?)find.Invoke(Queue, [index]);
            peer?.Push.Refuse(Interop.Errno.EPERM);
            peer?.Help.Refuse(Interop.Errno.EPERM);
        }

        return null;
    }

    private string Read(ReceivedMessage message)
    {
        RefusePull(message);
        message.CopyTo(_buffer);
        (_message, string verdict) = CrashAccount.Examine(_buffer.AsSpan(0, (int)message.Length));
        _account.Add("got", _message, $"{message.DeliveryAttempt}", verdict, $"{CrashBoard.Now}");
        return "";
    }

    private string End(string how, Action<ReceivedMessage> answer)
    {
        ReceivedMessage message = _held[^1];
        _held.RemoveAt(_held.Count - 1);
        _account.Add("answering", _message);
        using (message)
        {
            answer(message);
            _account.Add(how, _message);
        }

        return "";
    }

    /// <summary>Reads and completes what it holds, or finds out that it is over.</summary>
    private string FinishHeld()
    {
        try
        {
            Read(_held[^1]);
            return End("completed", static m => m.Complete());
        }
        catch (OneCopyException e) when (e is MessageLostException or MessageWithdrawnException)
        {
            return e.GetType().Name;
        }
    }

    /// <summary>All that is in the dead-letter queue.</summary>
    private string TakeDead()
    {
        using MessageQueue dead = MessageQueue.Open(_place[1] + ".dead", _options);
        int count = 0;
        while (dead.TryReceive(out ReceivedMessage message))
        {
            using (message)
            {
                byte[] payload = message.ToArray();
                (string id, string verdict) = CrashAccount.Examine(payload);
                message.Complete();
                _account.Add("dead", id, verdict);
                count++;
            }
        }

        return $"{count}";
    }
}
