namespace OneCopy.TestProcess;

/// <summary>The commands that send.</summary>
internal sealed partial class CrashActor
{
    private string? _rentedMessage;

    private string? Send(string verb, string[] args)
    {
        int length = args.Length > 0 && int.TryParse(args[0], out int n) ? n : 0;
        switch (verb)
        {
            case "send":
                return SendCopy(length);
            case "send-in-time":
                return SendCopy(length, TimeSpan.FromMilliseconds(int.Parse(args[1])));
            case "fill":
                return Fill();
            case "whole-arena":
                return SendCopy((int)_options.ArenaLimit);
            case "rent":
                return Rent(length);
            case "send-rented":
                return SendRented();
            case "attach":
                _attached = SendAsync(length, new SendOptions());
                return AwaitAttached();
            case "send-async":
                _attached = SendAsync(length, new SendOptions { SurviveSender = true });
                return AwaitAttached();
            case "begin-attach":
                _attached = SendAsync(length, new SendOptions());
                return "";
            case "end-attach":
                return AwaitAttached();
            case "begin-send":
                _attached = Task.Run(() => SendCopy(length));
                return "";
            case "cancel":
                _cancel.Cancel();
                return "";
            default:
                return null;
        }
    }

    private string SendCopy(int length, TimeSpan? timeout = null)
    {
        byte[] payload = new byte[length];
        string message = _account.Fill(payload);
        _account.Add("sending", message);
        try
        {
            Queue.Send(payload, new SendOptions { Timeout = timeout });
        }
        catch (TimeoutException)
        {
            _account.Add("not-sent", message);
            return "";
        }

        _account.Add("sent", message, $"{CrashBoard.Now}");
        return "";
    }

    /// <summary>As many as the ring takes.</summary>
    private string Fill()
    {
        byte[] payload = new byte[CrashAccount.HeadLength];
        for (int count = 0; ; count++)
        {
            string message = _account.Fill(payload);
            if (!Queue.TrySend(payload))
                return $"{count}";
            _account.Add("sent", message, $"{CrashBoard.Now}");
        }
    }

    private string Rent(int length)
    {
        _rented = Queue.Rent(length);
        _rentedMessage = _account.Fill(_rented.Span);
        return "";
    }

    private string SendRented()
    {
        _account.Add("sending", _rentedMessage!);
        Queue.Send(_rented);
        _account.Add("sent", _rentedMessage!, $"{CrashBoard.Now}");
        return "";
    }

    private async Task SendAsync(int length, SendOptions options)
    {
        byte[] payload = new byte[length];
        string message = _account.Fill(payload);
        _account.Add("sending", message);
        try
        {
            await Queue.SendAsync(payload, options, _cancel.Token);
            _account.Add("sent", message, $"{CrashBoard.Now}");
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Taken back: by the token, or by closing.
            _account.Add("not-sent", message);
        }
    }

    private string AwaitAttached()
    {
        if (!_attached.Wait(s_soon))
            throw new TimeoutException("An attached send did not end.");
        return "";
    }
}
