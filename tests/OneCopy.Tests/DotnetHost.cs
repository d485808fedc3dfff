namespace OneCopy.Tests;

/// <summary>Where <c>dotnet</c> is. The test platform may run the tests in a host of its own, so that is not asked.</summary>
internal static class DotnetHost
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        // The framework that runs this test lies in ROOT/shared/Microsoft.NETCore.App/VERSION.
        string? framework = System.IO.Path.GetDirectoryName(typeof(object).Assembly.Location);
        IEnumerable<string?> folders =
        [
            framework is null ? null : System.IO.Path.GetFullPath(System.IO.Path.Combine(framework, "..", "..", "..")),
            Environment.GetEnvironmentVariable("DOTNET_ROOT"),
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries),
        ];
        foreach (string? folder in folders)
        {
            if (folder is { Length: > 0 } && System.IO.Path.Combine(folder, "dotnet") is string path && File.Exists(path))
                return path;
        }
        throw new FileNotFoundException("No 'dotnet' beside the framework, in DOTNET_ROOT or on PATH, so that no child process can be started.");
    }
}
